"""Pooled node noise against a slow direct implementation."""

import numpy as np
import pytest

from scoring.noise import (
    BINS,
    CURVE_SLOTS,
    EDGES_MS,
    exceed,
    exceed_at,
    pooled_curves,
    pooled_excess,
    unknown,
    window_floor,
)


def noisy_links(rng, k=12, w=64):
    windows = rng.uniform(1, 100, (k, 1)) + rng.lognormal(0, 2, (k, w))
    windows[rng.random((k, w)) < 0.05] = np.inf
    windows[rng.random((k, w)) < 0.2] = np.nan
    windows[0] = np.nan
    windows[1] = np.inf
    return windows


def slow_exceedance(windows, margin, slots=40):
    total = above = 0
    for row in windows:
        finite = row[np.isfinite(row)]
        floor = np.quantile(finite, 0.1) if finite.size else 0.0
        for rtt in row[-slots:]:
            if np.isnan(rtt):
                continue
            total += 1
            above += rtt - floor > margin
    return above / total


@pytest.mark.parametrize("slots", [1, 40, 64, 100])
def test_survival_equals_a_slow_count_at_every_edge(slots):
    windows = noisy_links(np.random.default_rng(slots))
    survival = pooled_excess(windows, slots)
    expected = [slow_exceedance(windows, edge, slots) for edge in EDGES_MS[:-1]]
    np.testing.assert_allclose(survival[:-1], expected, atol=1e-12)
    assert survival[-1] == pytest.approx(slow_exceedance(windows, 1e300, slots))


def test_exceedance_lies_near_a_slow_count_at_any_margin():
    windows = noisy_links(np.random.default_rng(5), k=60)
    margins = np.random.default_rng(6).lognormal(0, 3, 200)
    found = exceed(np.repeat(pooled_excess(windows)[None], 200, axis=0), margins)
    np.testing.assert_allclose(found, [slow_exceedance(windows, margin) for margin in margins], atol=0.02)


def test_exceedance_at_an_edge_is_exact():
    survival = pooled_excess(noisy_links(np.random.default_rng(7)))
    found = exceed(np.repeat(survival[None], BINS - 1, axis=0), EDGES_MS[:-1])
    np.testing.assert_allclose(found, survival[:-1], atol=1e-9)


def test_exceedance_falls_with_the_margin_from_one_to_the_loss_rate():
    survival = pooled_excess(noisy_links(np.random.default_rng(8)))
    margins = np.concatenate([[-5.0, -1e-9], np.geomspace(1e-6, 1e6, 300), [np.inf]])
    found = exceed(np.repeat(survival[None], margins.size, axis=0), margins)
    assert found[:2].tolist() == [1.0, 1.0]
    assert (np.diff(found) <= 1e-12).all()
    assert found[-1] == survival[-1] > 0


def test_floor_that_breaks_the_sla_exceeds_for_certain():
    quiet = pooled_excess(np.full((3, 40), 5.0))
    assert exceed(np.stack([quiet, quiet]), np.array([-0.1, 0.1])).tolist() == [1.0, 0.0]


def test_floor_is_the_tenth_percentile_of_the_pings_that_returned():
    windows = np.array([[*range(11), np.nan, np.inf], [np.nan] * 13])
    assert np.array_equal(window_floor(windows.astype(float)), [1.0, np.nan], equal_nan=True)


def test_noise_is_what_happens_now():
    calm_now = np.concatenate([np.full(24, 90.0), np.full(40, 5.0)])[None]
    assert exceed(pooled_excess(calm_now)[None], np.array([1.0]))[0] == 0.0


@pytest.mark.parametrize("windows", [np.empty((0, 64)), np.full((3, 64), np.nan)], ids=["no links", "no samples"])
def test_node_without_samples_has_unknown_noise(windows):
    survival = pooled_excess(windows)
    assert np.array_equal(survival, unknown(1)[0], equal_nan=True)
    assert np.isnan(exceed(survival[None], np.array([1.0]))[0])


def test_path_without_a_floor_has_an_unknown_exceedance():
    assert np.isnan(exceed(pooled_excess(np.ones((1, 40)))[None], np.array([np.nan]))[0])


def test_curves_over_several_spans_are_those_of_each_span_alone():
    rng = np.random.default_rng(11)
    windows = rng.lognormal(2, 0.5, (9, 64))
    windows[rng.random(windows.shape) < 0.2] = np.nan
    windows[rng.random(windows.shape) < 0.1] = np.inf
    curves = pooled_curves(windows)
    for curve, slots in zip(curves, CURVE_SLOTS, strict=True):
        np.testing.assert_array_equal(curve, pooled_excess(windows, slots))


def test_a_lookup_in_many_curves_is_the_lookup_in_each():
    rng = np.random.default_rng(12)
    curves = np.stack([pooled_curves(rng.lognormal(2, 0.5, (9, 64))) for _ in range(4)])
    curves[2] = np.nan
    rows, margin = rng.integers(0, 4, 50), rng.normal(3, 4, 50)
    margin[3] = np.nan
    found = exceed_at(curves, rows, margin)
    for k in range(curves.shape[1]):
        np.testing.assert_array_equal(found[:, k], exceed(curves[rows, k], margin))
