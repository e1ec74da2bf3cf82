"""What a profile returns, and the names of its statuses and units."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, TypeAlias

import numpy as np

from scoring.arrays import Bools, Floats, Statuses

__all__ = ["THIN_SAMPLES", "Costs", "Status", "Unit", "status_of"]

Unit: TypeAlias = Literal["violation", "ms", "seed"]
"""`violation`: expected fraction of the horizon above the SLA; `ms`: expected RTT; `seed`: minus the seed's score."""

THIN_SAMPLES = 5
"""With fewer measured slots a cost stands on little: the same number that `require` asks for."""


class Status(IntEnum):
    """How well a cost is founded; a higher number is worse, so that the worst of several is their maximum."""

    KNOWN = 0
    THIN = 1
    """Measured, but in fewer than `THIN_SAMPLES` slots."""
    ESTIMATED = 2
    """Not measured, or not lately: the cost is made of an estimate from what other pairs of nodes measured."""
    UNKNOWN = 3
    """Neither measured nor estimated: the cost is a stand-in."""


@dataclass(frozen=True)
class Costs:
    """The costs of n candidates."""

    cost: Floats
    """``[n]``: lower is better; never NaN; +inf where every ping was lost and the unit has no upper bound."""
    noise: Floats
    """``[n]``: the standard error of each cost, in the same unit; 0 for stand-ins: rules, not estimates."""
    status: Statuses
    """``[n]``: values of `Status`."""
    unit: Unit


def status_of(windows: Floats, measured: Bools) -> Statuses:
    """Return ``[n]`` statuses for windows ``[n, w]``, given which rows are fresh and measured at all."""
    thin = (~np.isnan(windows)).sum(axis=1) < THIN_SAMPLES
    return np.where(measured, np.where(thin, Status.THIN, Status.KNOWN), Status.UNKNOWN).astype(np.int8)
