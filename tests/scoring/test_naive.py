"""The forecasters that need no training."""

import numpy as np
import pytest

from scoring.naive import DecayedMeanForecaster, MedianForecaster
from scoring.paths import Paths

BOTH = pytest.mark.parametrize("forecaster", [MedianForecaster(), DecayedMeanForecaster()], ids=lambda f: f.name)


def lossy_windows(rng, n=50, w=30):
    windows = rng.lognormal(1, 0.5, (n, w))
    windows[rng.random((n, w)) < 0.1] = np.inf
    windows[rng.random((n, w)) < 0.2] = np.nan
    return windows


def test_median_forecast_repeats_the_median_of_the_pings_that_returned():
    forecast = MedianForecaster().forecast(Paths.bare(np.array([[9.0, np.nan, 1.0, np.inf, 5.0]])), 3)
    assert forecast.rtt_ms.tolist() == [[5.0, 5.0, 5.0]]


def test_decayed_mean_forecast_halves_a_sample_every_half_life():
    window = np.array([[8.0] + [np.nan] * 9 + [2.0]])
    forecast = DecayedMeanForecaster(half_life=10.0).forecast(Paths.bare(window), 2)
    assert forecast.rtt_ms[0] == pytest.approx([(0.5 * 8 + 2) / 1.5] * 2)


def test_median_forecast_violates_as_often_as_its_window_did():
    windows = lossy_windows(np.random.default_rng(0))
    forecast = MedianForecaster().forecast(Paths.bare(windows), 30)
    for sla in (1.0, 3.0, 6.0):
        fraction = ((windows > sla) & ~np.isnan(windows)).sum(axis=1) / (~np.isnan(windows)).sum(axis=1)
        np.testing.assert_allclose(forecast.violation(sla), fraction, atol=0.08)


def test_decayed_mean_forecast_weighs_recent_violations_more():
    older, newer = np.full(40, 1.0), np.full(40, 1.0)
    older[:10], newer[-10:] = 9.0, 9.0
    violation = DecayedMeanForecaster().forecast(Paths.bare(np.array([older, newer])), 5).violation(5.0)
    assert violation[0] < 0.2 < 0.3 < violation[1]


@BOTH
def test_quantiles_never_fall_along_a_row(forecaster):
    quantiles = forecaster.forecast(Paths.bare(lossy_windows(np.random.default_rng(1))), 4).quantiles_ms
    assert (quantiles[:, 1:] >= quantiles[:, :-1]).all()
    assert np.isinf(quantiles[:, -1]).any()


@BOTH
def test_unmeasured_and_lost_paths_are_told_apart(forecaster):
    forecast = forecaster.forecast(Paths.bare(np.array([[np.nan] * 4, [np.inf] * 4, [np.nan, 2.0, np.nan, np.nan]])), 2)
    assert forecast.known.tolist() == [False, True, True]
    assert np.array_equal(forecast.rtt_ms[:, 0], [np.nan, np.inf, 2.0], equal_nan=True)
    assert np.array_equal(forecast.violation(3.0), [np.nan, 1.0, 0.0], equal_nan=True)


@BOTH
def test_empty_batches_are_forecast(forecaster):
    assert forecaster.forecast(Paths.bare(np.empty((0, 30))), 5).rtt_ms.shape == (0, 5)
    assert not forecaster.forecast(Paths.bare(np.empty((2, 0))), 5).known.any()
