"""Units of a trace's values, and the check that they are what they are said to be."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from neilats.traces.trace import TraceError

__all__ = ["UNITS", "in_ms"]

UNITS: Final[Mapping[str, float]] = MappingProxyType({"s": 1000.0, "ms": 1.0, "us": 0.001})
"""Milliseconds in one of each unit."""

FASTEST_MS: Final = 0.01
"""No packet goes through two network stacks and back faster: an echo over the loopback takes about .02 ms."""

SLOWEST_MS: Final = 30_000.0
"""Probers give up long before."""


def in_ms(values: NDArray[np.float64], unit: str | None, where: str) -> NDArray[np.float64]:
    """Values in ms, whatever they were in; without a unit they are taken as ms if that can be.

    Raises TraceError for negative values, and, without a unit, for a median that no round trip in ms has.
    """
    _check_sign(values, where)
    if unit is not None:
        return values * UNITS[unit]
    positive = values[np.isfinite(values) & (values > 0)]
    middle = float(np.median(positive)) if positive.size else 1.0
    if middle < FASTEST_MS:
        raise TraceError(_odd(where, middle, "below what any network reaches, so they look like seconds", "s"))
    if middle > SLOWEST_MS:
        raise TraceError(_odd(where, middle, "longer than any ping waits, so they look like microseconds", "us"))
    return values


def _odd(where: str, middle: float, why: str, unit: str) -> str:
    return (
        f"{where}: the median round trip is {middle:.3g}; in milliseconds that is {why}. "
        f"Say --unit {unit} to convert them, or --unit ms if they are milliseconds all the same"
    )


def _check_sign(values: NDArray[np.float64], where: str) -> None:
    wrong = values < 0
    if wrong.any():
        at = np.argwhere(wrong)[0].tolist()
        raise TraceError(
            f"{where}: {int(wrong.sum())} negative values, the first at {at}: {values[tuple(at)]:g}; "
            "only -1 has a meaning"
        )
