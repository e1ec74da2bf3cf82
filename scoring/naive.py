"""Forecasters that need no training: the yardstick for every model, and the answer where no model is better."""

from dataclasses import dataclass

import numpy as np

from scoring.arrays import Bools, Floats
from scoring.decay import decayed_mean, slot_weights
from scoring.forecast import QuantileForecast
from scoring.paths import Paths
from scoring.quantile import finite_quantile, weighted_quantiles

__all__ = ["LEVELS", "DecayedMeanForecaster", "MedianForecaster"]

LEVELS: Floats = np.linspace(0.0, 1.0, 41)
"""The quantile levels of the naive forecasts, 2.5 % apart: finer than one sample of a window of 30."""


@dataclass(frozen=True)
class MedianForecaster:
    """The window repeats itself: its median in every slot, its own distribution over the horizon."""

    name: str = "median"

    def forecast(self, paths: Paths, horizon: int) -> QuantileForecast:
        """Forecast the median of each row's finite samples, flat over the horizon."""
        point = finite_quantile(paths.windows, 0.5)
        return _flat(paths.windows, point, np.ones(paths.windows.shape[1]), horizon)


@dataclass(frozen=True)
class DecayedMeanForecaster:
    """The mean of the window and its distribution, recent slots counting more."""

    half_life: float = 20.0
    """Slots after which a sample counts half."""
    name: str = "decayed-mean"

    def forecast(self, paths: Paths, horizon: int) -> QuantileForecast:
        """Forecast the decayed mean of each row's finite samples, flat over the horizon."""
        windows = paths.windows
        point = decayed_mean(windows, np.isfinite(windows), self.half_life).value
        return _flat(windows, point, slot_weights(windows.shape[1], self.half_life), horizon)


def _flat(windows: Floats, point: Floats, weights: Floats, horizon: int) -> QuantileForecast:
    """Build a forecast that says `point` ``[n]`` for every slot; a path with only losses is forecast lost."""
    known: Bools = np.isnan(windows).sum(axis=1) < windows.shape[1]
    point = np.where(known & np.isnan(point), np.inf, point)
    flat = np.repeat(point[:, None], horizon, axis=1)
    return QuantileForecast(flat, LEVELS, weighted_quantiles(windows, weights, LEVELS), known)
