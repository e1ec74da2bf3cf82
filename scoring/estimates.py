"""What an estimated round trip costs, where nobody has measured the path.

The cost is the expectation under the estimate's log-Laplace distribution (`scoring.spread`): P(RTT > SLA), blended with
the candidate's own link noise as a measured path's is, or the expected round trip in ms. A small penalty on top puts a
measured path of the same cost ahead.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from scoring import spread
from scoring.arrays import Floats
from scoring.attainment import NOISE_WEIGHT
from scoring.costs import Costs, Status
from scoring.noise import exceed

__all__ = ["PENALTY", "Estimates", "with_estimates"]

PENALTY: Final = 0.02
"""Of the way from the cost to the worst under an SLA (p + .02 (1 - p)), else of the cost: measured paths come first."""


@dataclass(frozen=True)
class Estimates:
    """Estimated round trips of n paths; NaN where there is none."""

    rtt_ms: Floats
    """``[n]``: medians."""
    sigma_log: Floats
    """``[n]``: standard deviations of log(measured / estimated)."""

    @classmethod
    def none(cls, n: int) -> "Estimates":
        """No estimates of n paths."""
        return cls(np.full(n, np.nan), np.full(n, np.nan))

    def interval_ms(self, level: float) -> tuple[Floats, Floats]:
        """Return ``[n]`` lower and upper ends of what should hold this share of such round trips."""
        wide = np.exp(spread.within(level) * self.sigma_log)
        return self.rtt_ms / wide, self.rtt_ms * wide

    def costs(self, sla_ms: float | None, noise: Floats) -> tuple[Floats, Floats]:
        """Return ``[n]`` costs with the penalty, and their noise: shares under an SLA, else ms; NaN where no estimate.

        Args:
            sla_ms: the SLA, None for costs in ms.
            noise: ``[n, noise.BINS]`` survival curves of the candidates' own link noise; NaN where unknown.
        """
        if sla_ms is None:
            cost = (1.0 + PENALTY) * spread.expected_ms(self.rtt_ms, self.sigma_log)
            return cost, self.rtt_ms * self.sigma_log
        share = _violation(self.rtt_ms, self.sigma_log, sla_ms, noise)
        return share + PENALTY * (1.0 - share), np.sqrt(share * (1.0 - share))


def with_estimates(costs: Costs, estimates: Estimates, sla_ms: float | None, noise: Floats) -> Costs:
    """Return the costs with estimates in place of the stand-ins of unknown paths, where there are any.

    Their noise is the estimate's own: sqrt(p (1 - p)) under an SLA, which a path breaks or keeps, else its standard
    deviation in ms. Costs that are no times and no shares (`seed`) stay. Without an SLA, what is still unknown costs
    the median of what is not.

    Args:
        noise: ``[n, noise.BINS]`` survival curves of the candidates' own link noise; NaN where unknown.
    """
    estimated = (costs.status == Status.UNKNOWN) & ~np.isnan(estimates.rtt_ms)
    if not estimated.any() or costs.unit == "seed":
        return costs
    cost, doubt = costs.cost.copy(), costs.noise.copy()
    own = Estimates(estimates.rtt_ms[estimated], estimates.sigma_log[estimated])
    cost[estimated], doubt[estimated] = own.costs(None if costs.unit == "ms" else sla_ms, noise[estimated])
    status = np.where(estimated, Status.ESTIMATED, costs.status).astype(np.int8)
    founded = (status != Status.UNKNOWN) & np.isfinite(cost)
    if costs.unit == "ms":
        cost[status == Status.UNKNOWN] = np.median(cost[founded])
    return replace(costs, cost=cost, noise=doubt, status=status)


def _violation(rtt_ms: Floats, sigma_log: Floats, sla_ms: float, noise: Floats) -> Floats:
    """Return ``[m]``: the expected share of the time above the SLA, as `scoring.attainment` weighs it."""
    share, own = spread.above(rtt_ms, sigma_log, sla_ms), exceed(noise, sla_ms - rtt_ms)
    weight = np.where(np.isnan(own), 0.0, NOISE_WEIGHT)
    blended: Floats = (share + weight * np.nan_to_num(own)) / (1.0 + weight)
    return blended
