"""Errors and calibration of stated violations against those of the naive forecast."""

from dataclasses import dataclass

import numpy as np

from models.calibration import Calibration, calibration
from scoring.arrays import Floats
from scoring.skill import brier

__all__ = ["Reliability", "reliability"]


@dataclass(frozen=True)
class Reliability:
    """Of n statements P(RTT > SLA)."""

    brier: float
    """Mean of (stated - happened)^2, where happened is the fraction of the horizon's slots above the SLA: the error by
    which the extender judges, too."""
    by_level: dict[float, float]
    """Level of the SLA → the same for its statements."""
    calibration: Calibration


def reliability(stated: Floats, happened: Floats, level: Floats) -> Reliability:
    """Return the errors of statements ``[n]``, whose SLAs are of the levels ``[n]``."""
    error = brier(stated, happened)
    by_level = {float(k): float(error[level == k].mean()) for k in np.unique(level)}
    return Reliability(float(error.mean()), by_level, calibration(stated, happened, np.ones(len(stated))))
