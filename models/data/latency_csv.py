"""The old plugin's CSVs: `time,latency`, one path to a file, in any order, with repeated and irregular times."""

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from models.data.errors import DataError
from models.data.grid import DEFAULT_INTERVAL_S, Samples, on_grid
from models.data.lines import numbered, seconds
from models.data.series import Series
from models.data.units import in_ms

__all__ = ["is_latency_csv", "read_latency_csv"]

HEADER: Final = ["time", "latency"]
LOST: Final = frozenset({"inf", "+inf", "lost", "-1", "-1.0"})
"""The old recordings leave losses out; who keeps them writes one of these."""


def is_latency_csv(path: Path) -> bool:
    """Whether the first line is the header; raises DataError for a file that cannot be read."""
    first = next(numbered(path), (0, ""))[1]
    return _fields(first.lower()) == HEADER


def read_latency_csv(path: Path, interval_s: float = DEFAULT_INTERVAL_S, unit: str | None = None) -> Series:
    """Return the file's path on a grid; raises DataError that names the file and the line."""
    lines = numbered(path)
    number, header = next(lines, (1, ""))
    if _fields(header.lower()) != HEADER:
        raise DataError(f"{path}, line {number}: {header[:60]!r}; expected the header time,latency")
    at_s, rtt = array("d"), array("d")
    for time, value in _rows(path, lines):
        at_s.append(time)
        rtt.append(value)
    samples = Samples(np.array(at_s), in_ms(np.array(rtt), unit, str(path)))
    return on_grid(samples, interval_s, str(path))


def _rows(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[float, float]]:
    for number, line in lines:
        fields = _fields(line)
        if len(fields) != 2:
            raise DataError(f"{path}, line {number}: {len(fields)} fields; expected time,latency")
        time, value = fields
        if not value:
            continue  # nothing was measured
        yield _time(path, number, time), _rtt(path, number, value)


def _time(path: Path, number: int, text: str) -> float:
    try:
        return seconds(text)
    except (ValueError, OverflowError) as e:
        raise DataError(
            f"{path}, line {number}: time {text[:40]!r}; expected seconds since the epoch or 2025-01-02 03:04:05"
        ) from e


def _rtt(path: Path, number: int, text: str) -> float:
    if text.lower() in LOST:
        return np.inf
    try:
        value = float(text)
    except ValueError as e:
        raise DataError(f"{path}, line {number}: latency {text[:40]!r} is no number") from e
    if value < 0:
        raise DataError(f"{path}, line {number}: latency {value:g} is negative; only -1, for a loss, has a meaning")
    return value


def _fields(line: str) -> list[str]:
    return [field.strip().strip('"') for field in line.split(",")]
