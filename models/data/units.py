"""Are these milliseconds? A file of seconds would train a network that is wrong by a thousand."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from models.data.errors import DataError
from scoring.arrays import Floats

__all__ = ["UNITS", "in_ms"]

UNITS: Final[Mapping[str, float]] = MappingProxyType({"s": 1000.0, "ms": 1.0, "us": 0.001})
"""Milliseconds in one of each unit."""

FASTEST_MS: Final = 0.01
"""No echo goes through two network stacks and back faster."""

SLOWEST_MS: Final = 30_000.0
"""Probers give up long before."""


def in_ms(values: Floats, unit: str | None, where: str) -> Floats:
    """Return values in ms; without a unit they are taken as ms if that can be.

    Raises DataError where the median is what no round trip in ms can be; `where` begins the text.
    """
    if unit is not None:
        return values * UNITS[unit]
    positive = values[np.isfinite(values) & (values > 0)]
    middle = float(np.median(positive)) if positive.size else 1.0
    if not FASTEST_MS <= middle <= SLOWEST_MS:
        other = ("seconds", "s") if middle < FASTEST_MS else ("microseconds", "us")
        raise DataError(
            f"{where}: the median round trip is {middle:.3g} ms, so the values look like {other[0]}; "
            f"say --unit {other[1]}, or --unit ms if they are milliseconds all the same"
        )
    return values
