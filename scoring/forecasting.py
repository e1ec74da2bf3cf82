"""The profile `forecast`: the costs are what a forecaster says of the time ahead."""

import numpy as np

from scoring.attainment import UNKNOWN_VIOLATION, attainment, violation_noise
from scoring.costs import Costs, status_of
from scoring.forecast import Forecast
from scoring.paths import Paths

__all__ = ["forecast_cost"]


def forecast_cost(paths: Paths, sla_ms: float | None, forecast: Forecast | None = None) -> Costs:
    """Return the forecast violation of the SLA, or without one the expected RTT in ms.

    Without a forecaster `attainment` answers, and without an SLA too. A path of which the forecaster knows nothing
    costs what an unmeasured one costs, .5.
    """
    if forecast is None or sla_ms is None:
        return attainment(paths, sla_ms)
    violation = forecast.violation(sla_ms)
    known = paths.measured & ~np.isnan(violation)
    cost = np.where(known, np.clip(violation, 0.0, 1.0), UNKNOWN_VIOLATION)
    samples = (~np.isnan(paths.windows)).sum(axis=1).astype(np.float64)
    noise = np.where(known, violation_noise(cost, samples), 0.0)
    return Costs(cost, noise, status_of(paths.windows, known), "violation")
