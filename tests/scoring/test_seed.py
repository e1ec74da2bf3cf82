"""The score of the system that this project continues."""

import numpy as np
import pytest

from scoring import memory, noise
from scoring.adf import adf_batch
from scoring.costs import Status
from scoring.forecast import QuantileForecast
from scoring.naive import MedianForecaster
from scoring.paths import Paths
from scoring.seed import seed


def paths(windows, known=None, adf_score=None):
    n = len(windows)
    fresh = np.ones(n, dtype=bool) if known is None else np.array(known)
    return Paths(windows, memory.empty(n), noise.unknown(n), fresh, adf_score)


def min_max(values):
    return [100 + 100 * (value - min(values)) / (max(values) - min(values)) for value in values]


def test_cost_is_minus_the_formula_written_out():
    windows = np.random.default_rng(0).lognormal(0, 0.3, (8, 30))
    adf = min_max(adf_batch(windows).score.tolist())
    future = min_max([sum((5.0 - y) / y for y in [np.median(window)] * 30) for window in windows])
    expected = [-((100.0 * a * f) ** (1 / 3)) for a, f in zip(adf, future, strict=True)]
    costs = seed(paths(windows), 5.0)
    np.testing.assert_allclose(costs.cost, expected, rtol=1e-12)
    assert costs.unit == "seed"


def test_normalising_takes_the_sla_out_of_the_ranking():
    known = paths(np.random.default_rng(1).lognormal(0, 0.3, (8, 30)))
    np.testing.assert_allclose(seed(known, 0.2).cost, seed(known, None).cost, rtol=1e-9)


def test_only_the_last_thirty_slots_are_seen():
    recent = np.random.default_rng(2).lognormal(0, 0.3, (5, 30))
    longer = np.concatenate([np.full((5, 34), 77.0), recent], axis=1)
    assert np.array_equal(seed(paths(longer), 5.0).cost, seed(paths(recent), 5.0).cost)


def test_given_forecast_and_adf_scores_are_used():
    forecast = QuantileForecast(
        np.array([[1.0] * 4, [2.0] * 4]), np.array([0.5]), np.ones((2, 1)), np.ones(2, dtype=bool)
    )
    costs = seed(paths(np.ones((2, 30)), adf_score=np.array([0.0, 8.0])), 5.0, forecast)
    assert costs.cost == pytest.approx([-np.cbrt(100.0 * 100 * 200)] * 2)


def test_equal_candidates_all_get_the_lowest_value():
    assert seed(paths(np.ones((3, 30))), 5.0).cost == pytest.approx([-100.0] * 3)


def test_unknown_candidate_costs_the_median_of_the_known():
    windows = np.random.default_rng(3).lognormal(0, 0.3, (4, 30))
    windows[3] = np.nan
    costs = seed(paths(windows, known=[True, True, True, True]), 5.0)
    assert costs.cost[3] == np.median(costs.cost[:3])
    assert costs.status.tolist() == [Status.KNOWN] * 3 + [Status.UNKNOWN]
    np.testing.assert_allclose(costs.cost[:3], seed(paths(windows[:3]), 5.0).cost)


def test_candidates_of_which_nothing_is_known_are_equal():
    assert seed(paths(np.ones((2, 30)), known=[False, False]), None).cost.tolist() == [-100.0, -100.0]


def test_lost_paths_are_scored_without_a_warning():
    windows = np.vstack([np.full(30, np.inf), np.random.default_rng(4).lognormal(0, 0.3, (2, 30))])
    cost = seed(paths(windows), 5.0, MedianForecaster().forecast(paths(windows), 30)).cost
    assert cost[0] == cost.max()
