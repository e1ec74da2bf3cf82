"""Samples into slots: how a path's row moves on, one sample of many rows at a time."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.arrays import RECENT, Floats, RowArrays, Rows
from scoring import memory

__all__ = ["Slots"]

EARLY: Final = 0.25
"""Part of an interval by which a sample may come early and still open the next slot: paced sends jitter."""

REACH_S: Final = 4096.0
"""Seconds after their base that raw samples' times are kept without another base: to a quarter of a millisecond."""

Ints = NDArray[np.int64]


class Slots:
    """Writes samples into columns; `interval_s` is the distance of two slots."""

    def __init__(self, columns: RowArrays, interval_s: float) -> None:
        self._a = columns
        self.interval_s = interval_s

    def append(self, rows: Rows, at: Floats, rtt_ms: Floats) -> None:
        """Add one sample to each of several distinct rows: time in seconds, RTT in ms, inf lost, NaN not measured.

        Samples of a row come in order: a time before the row's latest is taken as that latest, because a report that
        was late on its way makes all its samples look younger than they are.
        """
        a = self._a
        at = np.maximum(at, a.seen[rows])
        self._advance(rows, self.steps(a.anchor[rows], at), at)
        a.seen[rows] = at
        measured = ~np.isnan(rtt_ms)
        if not measured.all():
            rows, at, rtt_ms = rows[measured], at[measured], rtt_ms[measured]
        self._fold(rows, at, rtt_ms)

    def steps(self, since: Floats, at: Floats) -> Ints:
        """[n] slots that samples are ahead of a slot whose grid lies at `since`; all slots where there is none yet."""
        steps = np.floor((at - since) / self.interval_s + EARLY)
        return np.where(np.isfinite(steps), steps, self._a.slots).astype(np.int64)

    def _advance(self, rows: Rows, steps: Ints, at: Floats) -> None:
        """Open new slots; the slot that closes enters the long memory, the slots skipped stay unmeasured."""
        moved = steps > 0
        if not moved.all():
            rows, steps, at = rows[moved], steps[moved], at[moved]
        if not len(rows):
            return
        self._remember(rows)
        a = self._a
        self.open(rows, steps)
        # A regular sample sets the grid; within a burst the grid goes on, or its slots would shrink by what is early.
        regular = at - a.seen[rows] >= self.interval_s / 2
        a.anchor[rows] = np.where(regular, at, a.anchor[rows] + steps * self.interval_s)

    def open(self, rows: Rows, steps: Ints) -> None:
        """Go on by so many slots (one at least), all of them unmeasured."""
        a = self._a
        head = a.head[rows].astype(np.int64)
        a.ring[rows, (head + 1) % a.slots] = np.nan
        if (steps > 1).any():
            more = steps > 1
            ahead = (np.arange(a.slots) - (head[more, None] + 1)) % a.slots
            r, s = np.nonzero(ahead < steps[more, None])
            a.ring[rows[more][r], s] = np.nan
        a.head[rows] = (head + steps) % a.slots
        a.in_slot[rows] = 0

    def _remember(self, rows: Rows) -> None:
        """Fold the closing slots' values into the long memory, once each even if a ring arrives again."""
        a = self._a
        value, at, before = a.ring[rows, a.head[rows]].astype(np.float64), a.anchor[rows], a.long_at[rows]
        new = ~np.isnan(value) & (at > before + self.interval_s / 2)
        if not new.all():
            rows, value, at, before = rows[new], value[new], at[new], before[new]
        if not len(rows):
            return
        memory.observe(a.long, value, np.where(np.isfinite(before), at - before, 0.0), rows)
        a.long_at[rows] = at

    def _fold(self, rows: Rows, at: Floats, rtt_ms: Floats) -> None:
        """Keep the raw samples, and set each row's open slot to the median of its raw samples."""
        if not len(rows):
            return
        a = self._a
        h = (a.recent_head[rows] + 1) % RECENT
        a.recent_head[rows] = h
        a.recent_ms[rows, h], a.recent_at[rows, h] = rtt_ms, self.since_base(rows, at)
        a.last[rows] = at
        count = np.minimum(a.in_slot[rows] + 1, RECENT)
        a.in_slot[rows] = count
        a.ring[rows, a.head[rows]] = rtt_ms
        if (several := count > 1).any():
            rows, h, count = rows[several], h[several], count[several]
            own = (h[:, None] - np.arange(RECENT)) % RECENT < count[:, None]
            a.ring[rows, a.head[rows]] = _median(np.where(own, a.recent_ms[rows], np.nan))

    def since_base(self, rows: Rows, at: Floats) -> Floats:
        """Times as seconds since their rows' bases, after far ones have become the new bases of theirs."""
        a = self._a
        if (far := at - a.base[rows] > REACH_S).any():
            moved, base = rows[far], at[far]
            a.recent_at[moved] += (a.base[moved] - base)[:, None]
            a.base[moved] = base
        since: Floats = at - a.base[rows]
        return since


def _median(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of each row's numbers, NaN left out; a median between a number and a loss is a loss."""
    ordered = np.sort(values, axis=1)  # inf behind the numbers, NaN behind inf
    count = (~np.isnan(values)).sum(axis=1)
    each = np.arange(len(values))
    low = ordered[each, np.maximum(count - 1, 0) // 2]
    high = ordered[each, np.minimum(count // 2, ordered.shape[1] - 1)]
    middle: NDArray[np.float32] = (low + high) / 2
    return middle
