"""The seed's score: the system that this project continues, kept for comparison.

    cbrt(LB x ADF x Future), each part min-max normalised over the candidates to 100..200

Two of its traits are gone on purpose: the integer division that left 100 for the best and 0 for the rest, and the
server error on a window whose ADF regression is singular. LB, how evenly the nodes' resources would be used, is
constant until there is a source of load. And as normalising undoes any affine map, the SLA that the future score is
affine in drops out of the ranking: the seed ranks by sum 1 / y_k alone, with or without an SLA.
"""

import numpy as np

from scoring.adf import adf_batch
from scoring.arrays import Bools, Floats
from scoring.costs import Costs, status_of
from scoring.forecast import Forecast
from scoring.future import future_score, inverse_sum
from scoring.naive import MedianForecaster
from scoring.paths import Paths

__all__ = ["WINDOW_SLOTS", "seed"]

WINDOW_SLOTS = 30
"""The seed sees 30 samples and forecasts 30."""

LOAD_BALANCE = 100.0
"""What the seed's normalisation gives a part that is equal for all."""


def seed(paths: Paths, sla_ms: float | None, forecast: Forecast | None = None) -> Costs:
    """Return minus the seed's score (100..200), so that lower is better.

    Without a forecast the window's median stands in; without an SLA any positive one gives the same score. Unmeasured
    candidates get the median cost of the measured ones (that of the worst possible if none is measured). The seed
    knows no noise: 0.
    """
    recent = paths.windows[:, -WINDOW_SLOTS:]
    ahead = MedianForecaster().forecast(Paths.bare(recent), WINDOW_SLOTS) if forecast is None else forecast
    future = future_score(inverse_sum(ahead.rtt_ms), 1.0 if sla_ms is None else sla_ms, ahead.rtt_ms.shape[1])
    adf = adf_batch(recent).score if paths.adf_score is None else paths.adf_score
    measured = paths.measured & ~np.isnan(future)
    cost = -np.cbrt(LOAD_BALANCE * _normalise(adf, measured) * _normalise(future, measured))
    stand_in = float(np.median(cost[measured])) if measured.any() else -LOAD_BALANCE
    cost = np.where(measured, cost, stand_in)
    return Costs(cost, np.zeros_like(cost), status_of(paths.windows, measured), "seed")


def _normalise(part: Floats, measured: Bools) -> Floats:
    """Map a part to 100..200 by its extremes over the measured candidates; 100 where they are all equal."""
    values = part[measured]
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    if not high > low:
        return np.full(part.size, 100.0)
    return 100.0 + 100.0 * (np.where(measured, part, low) - low) / (high - low)
