"""The profile `forecast`."""

from dataclasses import dataclass

import numpy as np
import pytest

from scoring.attainment import attainment
from scoring.costs import Status
from scoring.forecasting import forecast_cost
from scoring.paths import Paths


@dataclass
class Said:
    """A forecast of what it is told."""

    rtt_ms: np.ndarray
    violations: np.ndarray

    @property
    def known(self):
        return ~np.isnan(self.violations)

    def violation(self, sla_ms):
        return self.violations


def calm(n=3, w=40):
    return 10 + np.random.default_rng(0).random((n, w))


def said(violations):
    return Said(np.full((len(violations), 30), 5.0), np.array(violations, dtype=float))


def test_the_cost_is_the_forecast_violation():
    costs = forecast_cost(Paths.bare(calm()), 12.0, said([0.1, 0.9, 0.4]))
    assert costs.cost.tolist() == [0.1, 0.9, 0.4]
    assert costs.unit == "violation"
    assert (costs.noise > 0).all()


def test_a_path_that_the_forecaster_does_not_know_costs_half():
    costs = forecast_cost(Paths.bare(calm()), 12.0, said([0.1, np.nan, 0.4]))
    assert costs.cost[1] == 0.5
    assert costs.status.tolist() == [Status.KNOWN, Status.UNKNOWN, Status.KNOWN]


def test_an_unmeasured_path_costs_half_whatever_the_forecaster_says():
    windows = calm()
    windows[2] = np.nan
    costs = forecast_cost(Paths.bare(windows), 12.0, said([0.1, 0.2, 0.0]))
    assert costs.cost[2] == 0.5
    assert costs.noise[2] == 0


def test_violations_outside_0_and_1_are_cut():
    assert forecast_cost(Paths.bare(calm(2)), 12.0, said([-0.2, 1.4])).cost.tolist() == [0.0, 1.0]


def test_without_an_sla_the_cost_is_what_was_measured_whatever_the_forecast_says():
    windows = calm(2)
    windows[1, -2:] = 90.0
    costs = forecast_cost(Paths.bare(windows), None, said([0.0, 0.0]))
    assert costs.cost[0] == pytest.approx(10.5, abs=0.3)
    assert costs.cost[1] == pytest.approx(90.0)
    assert costs.unit == "ms"


def test_without_a_forecaster_attainment_answers():
    paths = Paths.bare(calm())
    for sla in (10.5, None):
        np.testing.assert_array_equal(forecast_cost(paths, sla).cost, attainment(paths, sla).cost)
