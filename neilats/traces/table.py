"""Traces as CSV with the columns `time,source,target,rtt_ms`: what people can write and other tools can export."""

import csv
import itertools
from array import array
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from neilats.traces.gaps import gap_warnings
from neilats.traces.grid import Samples, fold, median_step_s
from neilats.traces.trace import Trace, TraceError, as_rtt
from neilats.traces.units import in_ms

__all__ = ["read_csv"]

COLUMNS: Final = ("time", "source", "target", "rtt_ms")
LOST: Final = {"-1", "-1.0", "inf", "+inf", "lost"}
UNMEASURED: Final = {"", "nan", "null", "none"}


def read_csv(path: Path, unit: str | None = None, interval_s: float | None = None) -> Trace:
    """The trace in a CSV file, its samples folded into slices of `interval_s` (the median step of a path if None).

    Times are seconds since the epoch or ISO 8601 (UTC where no zone is given), in any order. -1, inf or `lost` is a
    lost ping, an empty field or `nan` one that was not measured. Lines that begin with # are comments. Raises
    TraceError with the line that is wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            samples = _samples(lines, str(path))
    except FileNotFoundError:
        raise TraceError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as e:
        raise TraceError(f"{path}: cannot be read as text ({e})") from e
    step_s = interval_s or median_step_s(samples)
    if not step_s:
        raise TraceError(f"{path}: no path has two samples, so the interval is unknown; give it with --interval")
    rtt_ms = as_rtt(fold(_converted(samples, unit, str(path)), step_s, str(path)))
    return Trace(rtt_ms, step_s, tuple(samples.nodes), gap_warnings(rtt_ms, step_s))


def _converted(samples: Samples, unit: str | None, where: str) -> Samples:
    rtt_ms = in_ms(samples.rtt, unit, where)
    return Samples(samples.at_s, samples.source, samples.target, rtt_ms, samples.nodes)


def _samples(lines: Iterable[str], where: str) -> Samples:
    numbers: list[int] = []  # of the lines that are not comments
    rows = csv.reader(_content(lines, numbers))
    try:
        index = _columns(next(rows, []), where)
        names: dict[str, int] = {}
        at_s, source, target, rtt = array("d"), array("q"), array("q"), array("d")
        for row in rows:
            if not row:
                continue
            try:
                time, a, b, value = (row[i].strip() for i in index)
                at_s.append(_seconds(time))
                rtt.append(_rtt(value))
            except (ValueError, IndexError) as e:
                raise TraceError(f"{where}, line {numbers[-1]}: {_fault(row, index, e)}") from None
            if a == b or not a or not b:
                raise TraceError(f"{where}, line {numbers[-1]}: from {a!r} to {b!r} is no path between two nodes")
            source.append(names.setdefault(a, len(names)))
            target.append(names.setdefault(b, len(names)))
    except csv.Error as e:
        raise TraceError(f"{where}, line {numbers[-1] if numbers else 1}: {e}") from e
    if not at_s:
        raise TraceError(f"{where}: no samples; expected lines of {','.join(COLUMNS)} below the header")
    return _sorted_by_name(np.array(at_s), np.array(source), np.array(target), np.array(rtt), list(names))


def _sorted_by_name(
    at_s: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    source: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    target: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    rtt: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    names: Sequence[str],
) -> Samples:
    """Nodes in the order of their names, so that the order of the lines does not matter."""
    order = sorted(range(len(names)), key=lambda i: names[i])
    place = np.empty(len(names), np.intp)
    place[order] = np.arange(len(names))
    return Samples(at_s, place[source], place[target], rtt, [names[i] for i in order])


def _content(lines: Iterable[str], numbers: list[int]) -> Iterable[str]:
    for number, line in zip(itertools.count(1), lines, strict=False):
        if not line.startswith("#") and line.strip():
            numbers[:] = [number]
            yield line


def _columns(header: Sequence[str], where: str) -> list[int]:
    found = [name.strip().lower() for name in header]
    if absent := [name for name in COLUMNS if name not in found]:
        raise TraceError(f"{where}: no column {', '.join(absent)} in the first line; expected {','.join(COLUMNS)}")
    return [found.index(name) for name in COLUMNS]


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not -1e12 < seconds < 1e12:
        raise ValueError
    return seconds


def _rtt(text: str) -> float:
    word = text.lower()
    if word in LOST:
        return np.inf
    return np.nan if word in UNMEASURED else float(text)


def _fault(row: Sequence[str], index: Sequence[int], error: Exception) -> str:
    if isinstance(error, IndexError):
        return f"{len(row)} fields; expected {','.join(COLUMNS)}"
    time, _, _, value = (row[i].strip() for i in index)
    try:
        _seconds(time)
    except (ValueError, OverflowError):
        return f"time {time[:40]!r}; expected seconds since the epoch or ISO 8601"
    return f"rtt_ms {value[:40]!r}; expected milliseconds, -1 or `lost`, or nothing"
