"""Fits that go on from the last one: who gets an estimate, and who does not."""

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from scoring.coordinates import Pairs
from scoring.embedding import _components, embed, pairs_of
from tests.scoring.embedded import internet_case, median_error

NEEDED = 6


def run(last, pairs, new, needed=NEEDED):
    *pieces, found = embed(last, pairs, new, needed)
    assert all(piece is None for piece in pieces)
    return found


def cold(given, times=4):
    found = None
    for _ in range(times):
        new = np.full(given.nodes, found is None)
        found = run(found and found.state, given.pairs, new)
    return found


def estimates(found, given, node=5):
    return found.estimate(node, np.arange(given.nodes))


@pytest.fixture(scope="module")
def world():
    given = internet_case()
    return given, cold(given)


def test_the_pairs_that_were_kept_out_say_how_wrong_it_is(world):
    given, found = world
    error = median_error(found.coordinates.rtt_ms(given.a, given.b), given.true_ms)
    assert error < 0.2
    assert found.held_error == pytest.approx(error, abs=0.06)


def test_every_node_but_itself_is_estimated_with_a_spread(world):
    given, found = world
    rtt_ms, sigma_log = estimates(found, given)
    assert np.isnan(rtt_ms[5])
    assert np.isfinite(rtt_ms).mean() > 0.85
    assert np.array_equal(np.isnan(rtt_ms), np.isnan(sigma_log))
    assert (sigma_log[np.isfinite(sigma_log)] > 0).all()


def test_a_node_with_too_few_neighbours_has_no_estimates(world):
    given, _ = world
    lonely = given.pairs.a != 5
    lonely &= given.pairs.b != 5
    lonely[np.flatnonzero(~lonely)[: NEEDED - 1]] = True
    found = run(None, given.pairs.take(lonely), np.ones(given.nodes, dtype=bool))
    assert np.isnan(estimates(found, given)[0]).all()
    assert np.isnan(estimates(found, given, node=6)[0][5])
    assert not found.usable[5]
    assert found.placed[5]


def test_numbers_that_the_fit_does_not_know_have_no_estimates(world):
    given, found = world
    rtt_ms, _ = found.estimate(5, np.array([-1, given.nodes, 6]))
    assert np.isnan(rtt_ms).tolist() == [True, True, False]
    assert np.isnan(found.estimate(-1, np.array([6]))[0]).all()
    assert np.isnan(found.estimate(given.nodes, np.array([6]))[0]).all()


def test_what_fits_nothing_is_not_estimated():
    given = internet_case()
    chaos = np.exp(np.random.default_rng(0).normal(3, 3, len(given.pairs.a)))
    given.pairs = Pairs(given.pairs.a, given.pairs.b, chaos, chaos)
    assert np.isnan(estimates(cold(given), given)[0]).mean() > 0.9


def test_a_later_fit_goes_on_and_hardly_moves_what_has_not_changed(world):
    given, found = world
    again = run(found.state, given.pairs, np.zeros(given.nodes, dtype=bool))
    before, after = (f.coordinates.rtt_ms(given.a, given.b) for f in (found, again))
    assert again.state.steps > found.state.steps
    assert np.median(np.abs(after / before - 1)) < 0.03


def test_nodes_that_come_later_are_estimated_after_one_fit(world):
    given, _ = world
    early = (given.pairs.a < 360) & (given.pairs.b < 360)
    found = None
    for _ in range(3):
        found = run(found and found.state, given.pairs.take(early), np.full(360, found is None))
    later = run(found.state, given.pairs, np.arange(given.nodes) >= 360)
    theirs = given.b >= 360
    estimate = later.coordinates.rtt_ms(given.a[theirs], given.b[theirs])
    assert median_error(estimate, given.true_ms[theirs]) < 0.22
    assert later.usable[360:].mean() > 0.9


def test_a_network_that_multiplies_is_fitted_with_wide_steps_again(world):
    given, _ = world
    early = (given.pairs.a < 100) & (given.pairs.b < 100)
    found = run(None, given.pairs.take(early), np.ones(100, dtype=bool))
    later = run(found.state, given.pairs, np.arange(given.nodes) >= 100)
    assert later.state.steps <= found.state.steps


def test_what_no_measured_pair_links_is_not_estimated():
    given = internet_case(neighbours=32)
    apart = (given.pairs.a < 200) == (given.pairs.b < 200)
    given.pairs = given.pairs.take(apart)
    rtt_ms, _ = estimates(cold(given), given)
    assert np.isfinite(rtt_ms[:200]).any()
    assert np.isnan(rtt_ms[200:]).all()


@for_all(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20))
def test_components_are_those_of_a_graph_library(nodes, links):
    links = [(a, b) for a, b in links if a < nodes and b < nodes and a != b]
    a, b = np.array([a for a, _ in links], np.int64), np.array([b for _, b in links], np.int64)
    pairs = pairs_of(a, b, np.ones(len(a)))
    _, wanted = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(nodes, nodes)), directed=False)
    ours = _components(pairs, nodes)
    assert np.array_equal(ours[:, None] == ours, wanted[:, None] == wanted)


def test_a_long_chain_is_one_component():
    pairs = Pairs(np.arange(4999), np.arange(1, 5000), np.ones(4999), np.ones(4999))
    assert (_components(pairs, 5000) == 0).all()


def test_a_network_whose_first_pairs_were_all_near_is_fitted_when_the_far_ones_come():
    given = internet_case()
    near = given.pairs.rtt_ms < np.quantile(given.pairs.rtt_ms, 0.03)
    found = run(None, given.pairs.take(near), np.ones(given.nodes, dtype=bool))
    assert found.state.scale_ms < 20
    for _ in range(4):
        found = run(found.state, given.pairs, np.zeros(given.nodes, dtype=bool))
    assert median_error(found.coordinates.rtt_ms(given.a, given.b), given.true_ms) < 0.2


def test_nothing_measured_estimates_nothing():
    none = np.zeros(0, np.int64)
    found = run(None, pairs_of(none, none, np.zeros(0)), np.ones(3, dtype=bool))
    assert np.isnan(found.estimate(0, np.arange(3))[0]).all()
    assert np.isnan(found.held_error)


@for_all(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from([1.0, 2.0, 8.0, np.nan, np.inf, 0.0])))
)
def test_pairs_are_the_geometric_means_of_what_both_directions_say(paths):
    source, target, rtt_ms = (np.array(column) for column in zip(*paths, strict=True)) if paths else [np.zeros(0)] * 3
    pairs = pairs_of(source.astype(np.int64), target.astype(np.int64), rtt_ms.astype(np.float64))
    wanted: dict[tuple[int, int], list[float]] = {}
    for a, b, rtt in paths:
        if a != b and 0 < rtt < np.inf:
            wanted.setdefault((min(a, b), max(a, b)), []).append(rtt)
    assert dict(zip(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True), pairs.rtt_ms, strict=True)) == {
        ends: pytest.approx(np.exp(np.mean(np.log(values)))) for ends, values in wanted.items()
    }
