"""Logs of `fping -e`, one path to a file, `<a>2<b>.txt`; they are read only, nothing is written beside them.

A line is `2025-01-02 03:04:05, 10.0.0.2 is alive (0.500 ms)`, or `... is unreachable` for a loss; others are blank.
"""

import re
from pathlib import Path
from typing import Final

import numpy as np

from models.data.errors import DataError
from models.data.grid import DEFAULT_INTERVAL_S, Samples, on_grid
from models.data.lines import numbered, seconds
from models.data.series import Series
from models.data.units import in_ms

__all__ = ["is_fping_log", "read_fping_log"]

_LINE: Final = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?),?\s+\S+ is "
    r"(?:(?P<lost>unreachable)|alive \((?P<rtt>\d+(?:\.\d*)?(?:e[+-]?\d+)?) ms\))(?:\s.*)?",
    re.ASCII,
)


def is_fping_log(path: Path) -> bool:
    """Whether the first line is one of such a log."""
    return bool(_LINE.fullmatch(next(numbered(path), (0, ""))[1]))


def read_fping_log(path: Path, interval_s: float = DEFAULT_INTERVAL_S, unit: str | None = None) -> Series:
    """Return the log's path on a grid; losses are +inf.

    Raises DataError with the line that is none; the last one may be cut off, because the log may still be written.
    """
    samples = []
    broken: tuple[int, str] | None = None
    for number, line in numbered(path):
        if broken is not None:
            raise DataError(_unreadable(path, *broken))
        found = _sample(line)
        if found is None:
            broken = (number, line)
        else:
            samples.append(found)
    if broken is not None and not samples:
        raise DataError(_unreadable(path, *broken))
    at_s, rtt = np.array(samples, dtype=np.float64).reshape(-1, 2).T
    return on_grid(Samples(at_s, in_ms(rtt, unit, str(path))), interval_s, str(path))


def _sample(line: str) -> tuple[float, float] | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    try:
        at_s = seconds(found["time"])
    except ValueError:
        return None
    return at_s, np.inf if found["lost"] else float(found["rtt"])


def _unreadable(path: Path, number: int, line: str) -> str:
    return (
        f"{path}, line {number}: {line[:80]!r}; expected 2025-01-02 03:04:05, 10.0.0.2 is alive (0.500 ms) or "
        "... is unreachable, as fping -e with a time before each line writes them"
    )
