"""What a forecaster returns, and what any forecaster looks like.

A forecast answers two questions: what RTT each future slot will show (point forecasts, for the seed's future score),
and how RTT will be distributed over the horizon (quantiles, for the share of it that breaks an SLA).
"""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from scoring.arrays import Bools, Floats
from scoring.paths import Paths

__all__ = ["HORIZON_SLOTS", "Forecast", "Forecaster", "QuantileForecast"]

HORIZON_SLOTS: Final = 30
"""Slots that forecasts reach ahead, and over which violations are counted: the old system's."""


class Forecast(Protocol):
    """The future of n paths over h slots."""

    @property
    def rtt_ms(self) -> Floats:
        """``[n, h]``: point forecasts; NaN where unknown, +inf where nothing but losses is expected."""
        ...

    @property
    def known(self) -> Bools:
        """``[n]``: False where nothing is measured, so that nothing can be said."""
        ...

    def violation(self, sla_ms: float) -> Floats:
        """Return ``[n]``: P(RTT > sla_ms) over the horizon, NaN where unknown."""
        ...


@dataclass(frozen=True)
class QuantileForecast:
    """A forecast that knows the distribution of RTT over the horizon by its quantiles."""

    rtt_ms: Floats
    """``[n, h]``: point forecasts; NaN where unknown, +inf where nothing but losses is expected."""
    levels: Floats
    """``[q]``: the levels of the quantiles, strictly ascending, within [0, 1]."""
    quantiles_ms: Floats
    """``[n, q]``: quantiles of RTT over the horizon, non-decreasing along a row; +inf where losses are expected."""
    known: Bools
    """``[n]``: False where nothing is measured, so that nothing can be said."""

    def violation(self, sla_ms: float) -> Floats:
        """Return ``[n]``: P(RTT > sla_ms) over the horizon, NaN where unknown.

        The distribution function is interpolated linearly between the quantiles; among equal quantiles the highest
        level counts, because a value that equals the SLA keeps it. Outside the outermost quantiles nothing is known
        but the mass that lies there: half of it is taken to break the SLA. A loss is not interpolated towards: a
        step from a finite quantile to +inf breaks the SLA as a whole.
        """
        quantiles = np.where(self.known[:, None], self.quantiles_ms, 0.0)
        last = self.levels.size - 1
        reached = ((quantiles <= sla_ms) & np.isfinite(quantiles)).sum(axis=1)
        below, above = np.clip(reached - 1, 0, last), np.clip(reached, 0, last)
        rows = np.arange(len(quantiles))
        share = _position(sla_ms, quantiles[rows, below], quantiles[rows, above])
        inner = self.levels[below] + share * (self.levels[above] - self.levels[below])
        keeps = np.where(reached == 0, self.levels[0] / 2, inner)
        keeps = np.where((reached > last) & (quantiles[:, -1] < sla_ms), (1 + self.levels[-1]) / 2, keeps)
        return np.where(self.known, 1.0 - keeps, np.nan)


def _position(value: float, low: Floats, high: Floats) -> Floats:
    """Return where `value` lies between finite `low` and `high`, 0..1; 0 where there is no finite interval."""
    proper = np.isfinite(low) & np.isfinite(high) & (high > low)
    base = np.where(proper, low, 0.0)
    width = np.where(proper, high, 1.0) - base
    return np.where(proper, np.clip((value - base) / width, 0.0, 1.0), 0.0)


class Forecaster(Protocol):
    """Anything that forecasts windows: the naive rules here, the networks of `models`."""

    @property
    def name(self) -> str:
        """What settings, metrics and the API call it."""
        ...

    def forecast(self, paths: Paths, horizon: int) -> Forecast:
        """Forecast `horizon` slots after the windows of n paths."""
        ...
