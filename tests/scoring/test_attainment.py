"""The default profile: expected violations, or expected time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring import memory, noise
from scoring.attainment import attainment
from scoring.costs import Status
from scoring.paths import Paths
from scoring.rank import rank


def paths(*windows, known=None, quiet=False):
    rows = np.array(windows, dtype=float)
    n = len(rows)
    fresh = np.ones(n, dtype=bool) if known is None else np.array(known)
    curves = np.repeat(noise.pooled_excess(np.full((2, 40), 5.0))[None], n, axis=0) if quiet else noise.unknown(n)
    return Paths(rows, memory.empty(n), curves, fresh)


def lossy(rtt, losses=3, w=60):
    window = np.full(w, float(rtt))
    window[:: w // losses] = np.inf
    return window


def slow_violation(window, sla, curve):
    weights = [0.5 ** (age / 100) for age in range(len(window))][::-1]
    measured = [(value, weight) for value, weight in zip(window, weights, strict=True) if not np.isnan(value)]
    e = sum(weight for value, weight in measured if value > sla) / sum(weight for _, weight in measured)
    v1 = float(measured[-1][0] > sla)
    floor = np.quantile([value for value, _ in measured if np.isfinite(value)], 0.1)
    x = noise.exceed(curve[None], np.array([sla - floor]))[0]
    return (e + 0.3 * v1 + 1.2 * x) / 2.5


def test_violation_equals_the_rule_written_out():
    rng = np.random.default_rng(0)
    windows = rng.lognormal(1, 0.7, (20, 64))
    windows[rng.random(windows.shape) < 0.1] = np.nan
    windows[rng.random(windows.shape) < 0.05] = np.inf
    curve = noise.pooled_excess(windows)
    known = Paths(windows, memory.empty(20), np.repeat(curve[None], 20, axis=0), np.ones(20, dtype=bool))
    for sla in (1.5, 3.0, 9.0):
        expected = [slow_violation(window, sla, curve) for window in windows]
        np.testing.assert_allclose(attainment(known, sla).cost, expected, rtol=1e-9)


def test_unknown_noise_is_left_out_of_the_weights():
    window = np.array([9.0] * 30 + [1.0] * 30)
    cost = attainment(paths(window), 5.0).cost[0]
    weights = 0.5 ** (np.arange(60)[::-1] / 100)
    assert cost == pytest.approx(weights[:30].sum() / weights.sum() / 1.3)


def test_memory_counts_beside_the_window():
    clean, dirty = (paths(np.full(20, 1.0)) for _ in range(2))
    for _ in range(200):
        memory.observe(dirty.memory, np.array([50.0]), 10.0)
        memory.observe(clean.memory, np.array([1.0]), 10.0)
    assert attainment(clean, 5.0).cost[0] == 0.0
    assert attainment(dirty, 5.0).cost[0] > 0.3
    assert attainment(clean, 5.0).noise[0] < attainment(paths(np.full(20, 1.0)), 5.0).noise[0]


@pytest.mark.parametrize("sla", [5.0, None], ids=["with an SLA", "without"])
def test_lossy_path_loses_to_a_slightly_slower_clean_one(sla):
    costs = attainment(paths(lossy(1.0), np.full(60, 1.5), quiet=True), sla)
    assert costs.cost[0] > costs.cost[1]
    scores = rank(costs.cost, costs.noise)
    assert scores[1] > scores[0]


def test_noisy_candidate_loses_to_a_calm_one_with_the_same_window():
    rng = np.random.default_rng(0)
    calm = noise.pooled_excess(np.full((5, 40), 3.0))
    loud = noise.pooled_excess(3.0 + rng.exponential(20.0, (5, 40)))
    both = Paths(np.full((2, 40), 1.0), memory.empty(2), np.stack([loud, calm]), np.ones(2, dtype=bool))
    cost = attainment(both, 5.0).cost
    assert cost[0] > cost[1] + 0.2


def test_unknown_path_costs_one_half_with_an_sla():
    costs = attainment(paths([1.0] * 9, [1.0] * 9, [np.nan] * 9, known=[True, False, True]), 5.0)
    assert costs.cost.tolist() == [0.0, 0.5, 0.5]
    assert costs.status.tolist() == [Status.KNOWN, Status.UNKNOWN, Status.UNKNOWN]


def test_unknown_path_costs_the_median_of_the_known_without_an_sla():
    costs = attainment(paths([1.0] * 9, [2.0] * 9, [7.0] * 9, [np.nan] * 9), None)
    assert costs.cost == pytest.approx([1.0, 2.0, 7.0, 2.0])
    assert attainment(paths([np.nan] * 9), None).cost.tolist() == [0.0]


def test_loss_costs_its_share_of_a_retransmission_timeout():
    window = np.full(60, 2.0)
    window[-1] = np.inf
    costs = attainment(paths(window), None)
    share = 1.0 / (0.5 ** (np.arange(60) / 100)).sum()
    assert costs.cost[0] == pytest.approx(2.0 + 200.0 * share)
    assert costs.unit == "ms"


def test_dead_path_is_worse_than_any_other():
    assert attainment(paths([np.inf] * 9, [400.0] * 9), None).cost == pytest.approx([np.inf, 400.0])
    assert attainment(paths([np.inf] * 9, [400.0] * 9), 500.0).cost.tolist() == [1.0, 0.0]


def test_few_samples_are_marked_and_noisier():
    costs = attainment(paths([np.nan] * 56 + [1.0] * 4, [1.0] * 60), 5.0)
    assert costs.status.tolist() == [Status.THIN, Status.KNOWN]
    assert costs.noise[0] > 3 * costs.noise[1]


def test_noise_of_the_expected_time_is_a_standard_error_that_outliers_do_not_blow_up():
    rng = np.random.default_rng(1)
    calm = 10.0 + rng.standard_normal((300, 64))
    spiked = calm.copy()
    spiked[:, 5] = 5000.0
    se = attainment(paths(*calm), None).noise
    cost = attainment(paths(*calm), None).cost
    # By the middle half of the costs, as half a percent of the windows seem to have a new level (scoring.level).
    assert np.median(se) == pytest.approx((np.quantile(cost, 0.75) - np.quantile(cost, 0.25)) / 1.349, rel=0.2)
    ratio = attainment(paths(*spiked), None).noise / se
    assert np.quantile(ratio, [0.02, 0.98]) == pytest.approx([1, 1], rel=0.5)


@given(
    arrays(
        np.float64,
        (4, 12),
        elements=st.one_of(st.floats(0.01, 1e4), st.just(np.nan), st.just(np.inf)),
        fill=st.nothing(),
    ),
    st.one_of(st.none(), st.floats(0.01, 1e4)),
)
def test_costs_are_never_nan_and_violations_are_fractions(windows, sla):
    costs = attainment(paths(*windows), sla)
    assert not np.isnan(costs.cost).any()
    assert (costs.noise >= 0).all()
    if sla is not None:
        assert ((costs.cost >= 0) & (costs.cost <= 1 + 1e-12)).all()
