"""The profile `forecast`: the costs are what a forecaster says of the time ahead."""

import numpy as np

from scoring.arrays import Bools, Floats
from scoring.attainment import UNKNOWN_VIOLATION, attainment, violation_noise
from scoring.costs import THIN_SAMPLES, Costs, Status
from scoring.forecast import Forecast
from scoring.paths import Paths

__all__ = ["forecast_cost", "violation_cost"]


def forecast_cost(paths: Paths, sla_ms: float | None, forecast: Forecast | None = None) -> Costs:
    """Return the forecast violation of the SLA, or without one the expected RTT in ms.

    Without a forecaster `attainment` answers, and without an SLA too. A path of which the forecaster knows nothing
    costs what an unmeasured one costs, .5.
    """
    if forecast is None or sla_ms is None:
        return attainment(paths, sla_ms)
    samples = (~np.isnan(paths.windows)).sum(axis=1).astype(np.float64)
    return violation_cost(forecast.violation(sla_ms), paths.measured, samples)


def violation_cost(violation: Floats, measured: Bools, samples: Floats) -> Costs:
    """Return the costs of n paths from their forecast violations.

    Args:
        violation: ``[n]``, NaN where nothing is known.
        measured: ``[n]``: whether the path is fresh and measured at all.
        samples: ``[n]``: measured slots of each window, on which the forecast rests.
    """
    known = measured & ~np.isnan(violation)
    cost = np.where(known, np.clip(violation, 0.0, 1.0), UNKNOWN_VIOLATION)
    noise = np.where(known, violation_noise(cost, samples), 0.0)
    status = np.where(known, np.where(samples < THIN_SAMPLES, Status.THIN, Status.KNOWN), Status.UNKNOWN)
    return Costs(cost, noise, status.astype(np.int8), "violation")
