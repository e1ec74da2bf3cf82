"""Samples that wait to be written: those of many reports go into the columns together, which costs them far less.

Whoever reads has them written first, so that what was taken in is seen.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.arrays import Floats, RowArrays, Rows
from extender.slots import Slots
from extender.stretches import on_grid, write_stretches

__all__ = ["MOST_WAITING", "Pending", "write"]

MOST_WAITING: Final = 1024
"""Samples that wait at most: some 15 reports, written in about a millisecond, as a webhook may have to wait for it."""

Ints = NDArray[np.int64]


class Pending:
    """Samples in the order in which they came."""

    def __init__(self) -> None:
        self._parts: list[tuple[Rows, Floats, Floats]] = []
        self.samples = 0

    def add(self, rows: Rows, at: Floats, rtt_ms: Floats) -> None:
        """Take [n] samples: row, time and RTT as `Slots.append` wants them, but a row may have several, in order."""
        if len(rows):
            self._parts.append((rows, at, rtt_ms))
            self.samples += len(rows)

    def take(self) -> tuple[Rows, Floats, Floats]:
        """All that waits, which then waits no more."""
        parts, self._parts, self.samples = self._parts, [], 0
        rows, at, rtt_ms = (np.concatenate(column) for column in zip(*parts, strict=True))
        return rows, at, rtt_ms


def write(slots: Slots, columns: RowArrays, rows: Rows, at: Floats, rtt_ms: Floats) -> None:
    """Write samples of which a row may have several, in order: [n] each.

    One sample of every row at a time, but a stretch of regular samples at once.
    """
    order = np.argsort(rows, kind="stable")
    rows, at, rtt_ms = rows[order], at[order], rtt_ms[order]
    another = np.append(True, rows[1:] != rows[:-1])
    if another.all():
        slots.append(rows, at, rtt_ms)
        return
    first = np.flatnonzero(another)
    at = _in_order(at, columns.seen[rows[first]], another)
    since = np.append(-np.inf, at[:-1])
    ends = np.append(np.flatnonzero(another | (slots.steps(since, at) < 1)), len(rows))
    cursor, end = first, np.append(first[1:], len(rows))
    while len(cursor):
        slots.append(rows[cursor], at[cursor], rtt_ms[cursor])
        cursor, end = _left(cursor + 1, end)
        to = ends[np.searchsorted(ends, cursor)]
        ready = (to > cursor) & on_grid(columns, rows[cursor])
        if ready.any():
            begin, count = cursor[ready], (to - cursor)[ready]
            which = np.repeat(begin - np.cumsum(count) + count, count) + np.arange(count.sum())
            write_stretches(slots, columns, rows[begin], count, at[which], rtt_ms[which])
            cursor, end = _left(np.where(ready, to, cursor), end)


def _left(cursor: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Those rows' places that have samples left."""
    more = cursor < end
    return cursor[more], end[more]


def _in_order(at: Floats, seen: Floats, another: NDArray[np.bool_]) -> Floats:
    """Times of which none is before its row's latest: `seen` [m] before the first samples of the m rows.

    `another` [n] says where a row's samples begin.
    """
    at, first = at.copy(), np.flatnonzero(another)
    at[first] = np.maximum(at[first], seen)
    # From one row's last sample to the next row's first one times mostly fall; within a row they hardly ever do.
    falls = np.flatnonzero((at[1:] < at[:-1]) & ~another[1:]) + 1
    for group in np.unique(np.searchsorted(first, falls, side="right") - 1).tolist():
        end = first[group + 1] if group + 1 < len(first) else len(at)
        at[first[group] : end] = np.maximum.accumulate(at[first[group] : end])
    return at
