"""The models that serve, behind the one interface of all forecasters; where they cannot say, the naive answer.

Lazy, because a profile wants either the points or the violations, and each costs a network's run.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from models.runtime.estimator import ViolationEstimator
from scoring.arrays import Bools, Floats
from scoring.attainment import naive_violation
from scoring.forecast import Forecaster
from scoring.naive import MedianForecaster
from scoring.paths import Paths

__all__ = ["NAIVE", "LazyForecast", "Networks", "points_or_naive"]

NAIVE: Final = MedianForecaster()
"""What forecasts points where no network can."""


def points_or_naive(forecaster: Forecaster, paths: Paths, horizon: int) -> tuple[Floats, Bools]:
    """Return point forecasts ``[n, horizon]`` in ms, and which rows ``[n]`` are the forecaster's own, not `NAIVE`'s."""
    forecast = forecaster.forecast(paths, horizon)
    if forecast.known.all():
        return forecast.rtt_ms, forecast.known
    unknown = np.flatnonzero(~forecast.known)
    rtt_ms = forecast.rtt_ms.copy()
    rtt_ms[unknown] = NAIVE.forecast(paths.take(unknown), horizon).rtt_ms
    return rtt_ms, forecast.known


@dataclass(frozen=True)
class LazyForecast:
    """A `scoring.forecast.Forecast` of n paths that is computed when it is asked."""

    paths: Paths
    horizon: int
    points: Forecaster
    estimator: ViolationEstimator | None

    @cached_property
    def rtt_ms(self) -> Floats:
        """``[n, horizon]``: point forecasts, ms."""
        return points_or_naive(self.points, self.paths, self.horizon)[0]

    @property
    def known(self) -> Bools:
        """``[n]``: whether anything is measured."""
        return self.paths.measured

    def violation(self, sla_ms: float) -> Floats:
        """Return ``[n]``: P(RTT > sla_ms), the naive one where the estimator cannot say; NaN where unknown."""
        naive = naive_violation(self.paths, sla_ms)
        if self.estimator is None:
            return naive
        ours = self.estimator.violation(self.paths, sla_ms)
        return np.where(np.isnan(ours), naive, ours)


@dataclass(frozen=True)
class Networks:
    """A forecaster of points and an estimator of violations as one `scoring.forecast.Forecaster`."""

    points: Forecaster
    estimator: ViolationEstimator | None = None

    @property
    def name(self) -> str:
        """The names of both, or the one that they share."""
        names = [self.points.name, *([self.estimator.name] if self.estimator else [])]
        return "+".join(dict.fromkeys(names))

    def forecast(self, paths: Paths, horizon: int) -> LazyForecast:
        """Forecast `horizon` slots after the windows of n paths."""
        return LazyForecast(paths, horizon, self.points, self.estimator)
