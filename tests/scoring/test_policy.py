"""Several peers, one cost."""

import numpy as np
import pytest

from scoring.costs import Costs, Status
from scoring.policy import combine, combine_costs, combine_noise

NAN, INF = np.nan, np.inf
COSTS = np.array([[1.0, 4.0, NAN, INF, NAN, NAN], [3.0, 2.0, 5.0, 1.0, NAN, INF]])
NOISE = np.array([[3.0, 0.1, NAN, 0.5, NAN, 7.0], [4.0, 0.2, 0.3, 0.6, NAN, 0.7]])


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("all", [3.0, 4.0, 5.0, INF, NAN, INF]),
        ("mean", [2.0, 3.0, 5.0, INF, NAN, INF]),
        ("any", [1.0, 2.0, 5.0, 1.0, NAN, INF]),
    ],
)
def test_policy_takes_the_worst_the_mean_or_the_best_of_the_known_paths(policy, expected):
    assert np.array_equal(combine(COSTS, policy), expected, equal_nan=True)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("all", [4.0, 0.1, 0.3, 0.5, NAN, 0.7]),
        ("mean", [2.5, np.sqrt(0.05) / 2, 0.3, np.sqrt(0.61) / 2, NAN, 0.7]),
        ("any", [3.0, 0.2, 0.3, 0.6, NAN, 0.7]),
    ],
)
def test_noise_is_that_of_the_paths_that_decide(policy, expected):
    np.testing.assert_allclose(combine_noise(COSTS, NOISE, policy), expected)


def test_a_mean_may_weigh_its_peers():
    costs, weights = np.array([[1.0, NAN], [5.0, 5.0]]), np.array([3.0, 1.0])
    assert combine(costs, "mean", weights).tolist() == [2.0, 5.0]
    assert combine_noise(costs, np.ones((2, 2)), "mean", weights).tolist() == [pytest.approx(np.sqrt(10) / 4), 1.0]
    assert combine(costs, "all", weights).tolist() == [5.0, 5.0]


@pytest.mark.parametrize("policy", ["all", "mean", "any"])
def test_no_peers_leave_every_candidate_unknown(policy):
    nothing = np.empty((0, 3))
    assert np.isnan(combine(nothing, policy)).all()
    assert np.isnan(combine_noise(nothing, nothing, policy)).all()


def test_combined_costs_carry_the_worst_status_and_the_unit():
    known, unknown = (
        Costs(np.array([cost]), np.array([0.1]), np.array([status], dtype=np.int8), "violation")
        for cost, status in ((0.2, Status.KNOWN), (0.5, Status.UNKNOWN))
    )
    both = combine_costs([known, unknown], "mean")
    assert (both.cost[0], both.status[0], both.unit) == (pytest.approx(0.35), Status.UNKNOWN, "violation")
    assert combine_costs([known, unknown], "mean", weights=[1.0, 3.0]).cost[0] == pytest.approx(0.425)
