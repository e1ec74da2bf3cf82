"""The noise of many nodes at once, against that of one after the other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.noise import BINS, CURVE_SLOTS, EDGES_MS, pooled_curves
from scoring.noise_batch import edges_exceeded, pooled_curves_by

samples = st.one_of(
    st.floats(0, 600_000, width=32),
    st.sampled_from([0.0, np.inf, np.nan, 1.0, 1.25, *np.float32(EDGES_MS[1:-1:7]).tolist()]),
)
windows = st.integers(0, 45).flatmap(
    lambda w: arrays(np.float32, st.tuples(st.integers(0, 9), st.just(w)), elements=samples)
)


@given(windows, st.data())
def test_each_groups_curves_are_those_of_its_links_alone(links, data):
    group = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(links), max_size=len(links))), int)
    found = pooled_curves_by(links, group, 4)
    double = pooled_curves_by(links.astype(np.float64), group, 4)
    for g in range(4):
        alone = pooled_curves(links[group == g].astype(np.float64))
        np.testing.assert_array_equal(found[g], alone)
        np.testing.assert_array_equal(double[g], alone)


@given(arrays(np.float64, st.tuples(st.integers(0, 5), st.integers(0, 9)), elements=st.floats(width=64)))
def test_edges_are_counted_as_a_search_counts_them(excess):
    assert_counted(excess)


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_an_edge_itself_is_not_exceeded_and_the_next_number_is(step):
    beside = {-1: np.nextafter(EDGES_MS, -np.inf), 0: EDGES_MS, 1: np.nextafter(EDGES_MS, np.inf)}[step]
    assert_counted(np.append(beside, [-0.0, 5e-324, -5e-324, 1e300, -np.inf])[None])


def assert_counted(excess):
    found = edges_exceeded(excess)
    known = ~np.isnan(excess)
    expected = np.searchsorted(EDGES_MS, excess, side="left") + np.isposinf(excess)
    np.testing.assert_array_equal(found[known], expected[known])
    assert (found[~known] == BINS + 1).all()


def test_real_windows_of_many_nodes():
    rng = np.random.default_rng(3)
    links = rng.lognormal(1, 0.6, (300, 64)).astype(np.float32)
    links[rng.random(links.shape) < 0.02] = np.inf
    links[rng.random(links.shape) < 0.05] = np.nan
    links[7] = np.inf
    group = rng.integers(0, 5, 300)
    found = pooled_curves_by(links, group, 6)
    assert found.shape == (6, len(CURVE_SLOTS), BINS)
    for g in range(5):
        np.testing.assert_array_equal(found[g], pooled_curves(links[group == g].astype(np.float64)))
    assert np.isnan(found[5]).all()
