"""What estimated paths cost beside measured ones."""

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from scoring import noise
from scoring.costs import Costs, Status
from scoring.estimates import Estimates, with_estimates
from scoring.rank import rank

KNOWN, THIN, UNKNOWN = Status.KNOWN, Status.THIN, Status.UNKNOWN


def costs(cost, status, unit="violation"):
    return Costs(np.array(cost), np.full(len(cost), 0.01), np.array(status, np.int8), unit)


def estimates(rtt_ms, sigma_log):
    return Estimates(np.array(rtt_ms), np.array(sigma_log))


def quiet(n):
    return noise.unknown(n)


def test_only_unknown_paths_are_estimated():
    before = costs([0.1, 0.2, 0.5, 0.5], [KNOWN, THIN, UNKNOWN, UNKNOWN])
    after = with_estimates(before, estimates([3.0, 3.0, 3.0, np.nan], [0.2, 0.2, 0.2, np.nan]), 5.0, quiet(4))
    assert after.status.tolist() == [KNOWN, THIN, Status.ESTIMATED, UNKNOWN]
    assert after.cost[[0, 1, 3]].tolist() == [0.1, 0.2, 0.5]
    assert after.noise[[0, 1, 3]].tolist() == before.noise[[0, 1, 3]].tolist()


def test_under_an_sla_nearer_and_surer_estimates_cost_less():
    unknown = costs([0.5] * 4, [UNKNOWN] * 4)
    near, far, vague_near, vague_far = with_estimates(
        unknown, estimates([3.0, 8.0, 3.0, 8.0], [0.2, 0.2, 0.9, 0.9]), 5.0, quiet(4)
    ).cost
    assert near < vague_near < 0.5 < vague_far < far < 1.0


def test_the_noise_of_an_even_chance_is_the_largest():
    after = with_estimates(costs([0.5] * 3, [UNKNOWN] * 3), estimates([1.0, 5.0, 25.0], [0.4] * 3), 5.0, quiet(3))
    assert after.noise[1] == pytest.approx(0.5)
    assert after.noise[1] > 2 * max(after.noise[0], after.noise[2])


def test_the_candidates_own_noise_counts_as_for_a_measured_path():
    windows = np.full((3, 40), 1.0)
    windows[:, ::2] = 30.0
    loud = np.stack([noise.pooled_excess(windows), noise.pooled_excess(np.ones((3, 40)))])
    after = with_estimates(costs([0.5] * 2, [UNKNOWN] * 2), estimates([3.0, 3.0], [0.2, 0.2]), 5.0, loud)
    assert after.cost[0] > after.cost[1] + 0.2


def test_without_an_sla_the_unknown_cost_the_median_of_measured_and_estimated():
    before = costs([4.0, 4.0, 4.0], [KNOWN, UNKNOWN, UNKNOWN], "ms")
    after = with_estimates(before, estimates([np.nan, 10.0, np.nan], [np.nan, 0.3, np.nan]), None, quiet(3))
    assert 10.0 < after.cost[1] < 11.0
    assert after.noise[1] == pytest.approx(3.0)
    assert after.cost[2] == pytest.approx((4.0 + after.cost[1]) / 2)
    assert after.status.tolist() == [KNOWN, Status.ESTIMATED, UNKNOWN]


def test_a_path_without_an_answer_is_no_measure_for_the_unknown():
    before = costs([np.inf, 0.0, 0.0], [KNOWN, UNKNOWN, UNKNOWN], "ms")
    after = with_estimates(before, estimates([np.nan, 10.0, np.nan], [np.nan, 0.3, np.nan]), None, quiet(3))
    assert after.cost[2] == after.cost[1]


def test_scores_that_are_no_expectation_are_left_alone():
    before = costs([-150.0, -120.0], [KNOWN, UNKNOWN], "seed")
    assert with_estimates(before, estimates([np.nan, 3.0], [np.nan, 0.2]), 5.0, quiet(2)) is before


def test_no_estimate_changes_nothing():
    before = costs([0.1, 0.5], [KNOWN, UNKNOWN])
    assert with_estimates(before, Estimates.none(2), 5.0, quiet(2)) is before


@for_all(st.floats(0.1, 1000), st.floats(0.05, 1.2), st.floats(0.1, 1000), st.lists(st.floats(0, 1), max_size=4))
def test_a_measured_path_with_the_same_violation_is_ahead(rtt_ms, sigma_log, sla_ms, others):
    one = with_estimates(costs([0.5], [UNKNOWN]), estimates([rtt_ms], [sigma_log]), sla_ms, quiet(1))
    share = 1.0 - (1.0 - one.cost[0]) / 0.98  # what the penalty of 2 % was added to
    assert share <= one.cost[0] <= 1.0
    if share < 1.0 - 1e-9:
        assert share < one.cost[0]
    everybody = np.array([share, one.cost[0], *others])
    doubts = np.array([0.01, one.noise[0], *[0.01] * len(others)])
    scores = rank(everybody, doubts)
    assert scores[0] >= scores[1]


@for_all(st.floats(0.01, 1000), st.floats(0.05, 1.2), st.lists(st.floats(0.01, 1000), max_size=4))
def test_a_measured_path_with_the_estimated_time_is_ahead(rtt_ms, sigma_log, others):
    n = 2 + len(others)
    before = costs([rtt_ms, rtt_ms, *others], [KNOWN, UNKNOWN] + [KNOWN] * len(others), "ms")
    rtt, sigma = np.full(n, np.nan), np.full(n, np.nan)
    rtt[1], sigma[1] = rtt_ms, sigma_log
    after = with_estimates(before, Estimates(rtt, sigma), None, quiet(n))
    assert after.cost[0] < after.cost[1]
    scores = rank(after.cost, after.noise)
    assert scores[0] >= scores[1]


def test_estimates_that_say_the_same_score_alike():
    after = with_estimates(costs([0.5] * 3, [UNKNOWN] * 3), estimates([4.8, 5.0, 5.2], [0.5] * 3), 5.0, quiet(3))
    assert len(set(rank(after.cost, after.noise).tolist())) == 1


def test_the_stated_interval_lies_around_the_estimate():
    low_ms, high_ms = estimates([10.0, np.nan], [0.3, np.nan]).interval_ms(0.8)
    assert low_ms[0] < 10.0 < high_ms[0]
    assert low_ms[0] * high_ms[0] == pytest.approx(100.0)
    assert np.isnan(low_ms[1])
