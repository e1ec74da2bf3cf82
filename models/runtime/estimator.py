"""What estimates how often a path will break an SLA: the networks of `models.runtime`, and later other ones."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from scoring.arrays import Floats
from scoring.attainment import naive_violation
from scoring.forecast import Forecaster
from scoring.paths import Paths

__all__ = ["QuantileEstimator", "ViolationEstimator"]


class ViolationEstimator(Protocol):
    """Anything that knows the future of an SLA."""

    @property
    def name(self) -> str:
        """What metrics, `explain` and the API call it."""
        ...

    def violation(self, paths: Paths, sla_ms: float) -> Floats:
        """Return ``[n]``: P(RTT > sla_ms) over the horizon, 0..1; NaN where it cannot say. Losses are above it."""
        ...


@dataclass(frozen=True)
class QuantileEstimator:
    """The answer of a forecaster that knows the distribution of RTT, where no network was trained for SLAs.

    Its quantiles are those of the pings that return; the share of those that do not is taken from the past.
    """

    forecaster: Forecaster
    horizon: int

    @property
    def name(self) -> str:
        """The forecaster's."""
        return self.forecaster.name

    def violation(self, paths: Paths, sla_ms: float) -> Floats:
        """Return ``[n]``: P(lost) + P(returned) P(RTT > sla_ms | returned); NaN where the forecaster cannot say."""
        slow = self.forecaster.forecast(paths, self.horizon).violation(sla_ms)
        lost = np.nan_to_num(naive_violation(paths, np.inf))
        return np.where(paths.measured, lost + (1.0 - lost) * slow, np.nan)
