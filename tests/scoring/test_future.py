"""The seed's future score."""

import numpy as np
import pytest

from scoring.future import future_score, inverse_sum


def test_one_inverse_sum_answers_every_sla_as_the_seeds_formula_does():
    forecasts = np.random.default_rng(0).lognormal(0, 1, (20, 30))
    inverse = inverse_sum(forecasts)
    for sla in (0.35, 5.0, 80.0):
        slow = [sum((sla - y) / y for y in row) for row in forecasts]
        np.testing.assert_allclose(future_score(inverse, sla, 30), slow, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("forecast", [0.0, -3.0, 1e-9], ids=["zero", "negative", "tiny"])
def test_forecasts_that_no_network_reaches_count_as_a_microsecond(forecast):
    assert inverse_sum(np.array([[forecast, 2.0]]))[0] == pytest.approx(1000.0 + 0.5)


def test_lost_slot_costs_its_full_one():
    assert future_score(inverse_sum(np.array([[np.inf, 2.0]])), 2.0, 2)[0] == -1.0


def test_unknown_forecast_has_an_unknown_score():
    assert np.isnan(future_score(inverse_sum(np.array([[1.0, np.nan]])), 2.0, 2)[0])
