"""The inputs of violation networks."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring import memory, noise
from scoring.context import CURVES, Context
from scoring.features import CHANNELS, NAMES, SEQUENCE_SLOTS, inputs
from scoring.paths import Paths
from tests.scoring import features_reference


def windows(rng, n=12, w=64, lossy=True):
    values = rng.lognormal(3, 0.6, (n, w))
    if lossy:
        values[rng.random((n, w)) < 0.1] = np.inf
        values[rng.random((n, w)) < 0.2] = np.nan
    return values


def surrounded(rng, n=12):
    own, back = windows(rng, n), windows(rng, n)
    curves = np.stack([np.tile(noise.pooled_curves(windows(rng)), (2, 1)) for _ in range(n + 1)])
    remembered = memory.empty(n)
    for k in range(40):
        memory.observe(remembered, own[:, k], 10.0)
    context = Context(back, curves, np.arange(n), n)
    return Paths(own, remembered, noise.unknown(n), np.ones(n, dtype=bool), None, context)


def column(given, name):
    return given.features[:, NAMES.index(name)]


def test_every_feature_has_one_name_and_one_column():
    given = inputs(surrounded(np.random.default_rng(0)), 20.0)
    assert given.features.shape == (12, len(NAMES))
    assert given.sequence.shape == (12, SEQUENCE_SLOTS, len(CHANNELS))
    assert len(set(NAMES)) == len(NAMES)
    assert not np.isnan(given.features).any()
    assert np.isfinite(given.sequence).all()


@pytest.mark.parametrize("half_life", [1, 5, 80])
def test_decayed_shares_equal_a_loop_over_the_slots(half_life):
    paths = surrounded(np.random.default_rng(1))
    found = column(inputs(paths, 20.0), f"above_{half_life}")
    for row, value in zip(paths.windows, found, strict=True):
        weight = [0.5 ** ((63 - k) / half_life) if not np.isnan(v) else 0.0 for k, v in enumerate(row)]
        above = sum(w for w, v in zip(weight, row, strict=True) if v > 20.0)
        assert value == pytest.approx((above + 0.15) / (sum(weight) + 0.3), rel=1e-5)


def test_noise_features_are_lookups_in_the_curves_of_both_ends():
    paths = surrounded(np.random.default_rng(2))
    given = inputs(paths, 20.0)
    ranks = np.array([np.sort(row)[int(np.rint(0.1 * max((~np.isnan(row)).sum() - 1, 0)))] for row in paths.windows])
    out40 = noise.exceed(paths.context.curves[:12, 2], 20.0 - ranks)
    np.testing.assert_allclose(column(given, "candidate_out40"), out40, rtol=1e-5)
    peer = noise.exceed(np.repeat(paths.context.curves[12:, 3], 12, axis=0), 20.0 - ranks)
    np.testing.assert_allclose(column(given, "peer_in3"), peer, rtol=1e-5)


def test_the_sequence_holds_the_newest_slots_oldest_first():
    row = np.full(64, np.nan)
    row[-1], row[-2], row[-3] = 40.0, 20.0, np.inf
    sequence = inputs(Paths.bare(row[None]), 20.0).sequence[0]
    np.testing.assert_allclose(sequence[-1, :2], [np.log(2), 1.0], rtol=1e-6)
    np.testing.assert_allclose(sequence[-2, :2], [0.0, -1.0], atol=1e-6)
    np.testing.assert_allclose(sequence[-3, :2], [4.0, 1.0])
    assert (sequence[:-3] == 0).all()


def test_a_short_window_is_padded_with_slots_that_were_not_measured():
    sequence = inputs(Paths.bare(np.array([[5.0, 50.0]])), 20.0).sequence[0]
    assert (sequence[:-2] == 0).all()
    assert sequence[-2:, 1].tolist() == [-1.0, 1.0]


def test_a_sample_that_equals_the_sla_keeps_it():
    given = inputs(Paths.bare(np.full((1, 64), 0.1, np.float32).astype(float)), float(np.float32(0.1)))
    assert column(given, "above_5")[0] < 0.05


def test_a_window_that_comes_to_the_sla_and_leaves_it_again_crosses_it_twice():
    paths = Paths.bare(np.array([[1.0, 0.3, 1.0]], np.float32).astype(float))
    found = column(inputs(paths, 0.3), "crossings")
    reference = features_reference.of_window(features_reference.single(paths.windows[0]), 0.3)
    assert found[0] == reference["crossings"] == 1.0


slots = st.one_of(st.floats(0.05, 500.0), st.sampled_from([np.nan, np.inf, 1e-5, 12.0, 20.0, 60.0]))


@given(
    data=st.data(),
    width=st.sampled_from([1, 2, 7, 30, 64, 80]),
    sla_ms=st.sampled_from([0.3, 12.0, 20.0, 37.7, 1e4]),
    seed=st.integers(0, 9),
)
def test_inputs_equal_loops_over_paths_and_slots(data, width, sla_ms, seed):
    around = surrounded(np.random.default_rng(seed), 3)
    around.context.curves[1] = np.nan
    own, back = (data.draw(arrays(float, (3, width), elements=slots, fill=slots)) for _ in range(2))
    paths = replace(around, windows=own, context=replace(around.context, reverse=back))
    found = inputs(paths, sla_ms)
    np.testing.assert_allclose(found.features, features_reference.features(paths, sla_ms), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.sequence, features_reference.sequence(paths, sla_ms), rtol=1e-5, atol=1e-5)


def test_what_surrounds_a_path_is_nan_where_it_is_unknown():
    given = inputs(Paths.bare(windows(np.random.default_rng(3))), 20.0)
    surroundings = [n.startswith(("reverse", "candidate", "peer", "memory_")) and n != "memory_weight" for n in NAMES]
    coverage = [n == "reverse_coverage" for n in NAMES]
    unknown = np.isnan(given.features).all(axis=0)
    assert unknown[np.array(surroundings) & ~np.array(coverage)].all()
    assert not unknown[~np.array(surroundings)].any()


def test_a_window_without_a_sample_says_nothing():
    given = inputs(Paths.bare(np.full((2, 64), np.nan)), 5.0)
    assert np.isnan(given.features[:, [i for i, n in enumerate(NAMES) if n.startswith("above")]]).all()
    assert (column(given, "coverage") == 0).all()
    assert (given.sequence == 0).all()


def test_losses_are_above_every_sla():
    given = inputs(Paths.bare(np.full((1, 64), np.inf)), 1e6)
    assert column(given, "above_80")[0] > 0.99
    assert column(given, "last_ratio")[0] == -4.0


@given(scale=st.floats(0.01, 100), seed=st.integers(0, 50))
def test_without_surroundings_only_the_ratio_to_the_sla_counts(scale, seed):
    own = windows(np.random.default_rng(seed), 4)
    # Powers of two, because single precision may round a value across the SLA otherwise.
    factor = 2.0 ** round(np.log2(scale))
    one, other = inputs(Paths.bare(own), 20.0), inputs(Paths.bare(own * factor), 20.0 * factor)
    np.testing.assert_allclose(one.features, other.features, atol=1e-4)
    np.testing.assert_allclose(one.sequence, other.sequence, atol=1e-4)


def test_candidates_do_not_influence_each_other():
    paths = surrounded(np.random.default_rng(4))
    order = np.random.default_rng(5).permutation(12)
    whole, part = inputs(paths, 20.0), inputs(paths.take(order), 20.0)
    np.testing.assert_allclose(part.features, whole.features[order], rtol=1e-5)
    np.testing.assert_allclose(part.sequence, whole.sequence[order])


def test_an_empty_batch_has_inputs():
    given = inputs(Paths.bare(np.empty((0, 64))), 5.0)
    assert given.features.shape == (0, len(NAMES))


def test_a_node_has_a_curve_for_each_way_and_span():
    assert sum(n.startswith("peer_") for n in NAMES) == CURVES
