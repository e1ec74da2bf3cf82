"""What was measured of every path: one row of preallocated arrays for each (source, target).

A row holds a ring of slots one interval apart (NaN unmeasured, inf lost), the last raw samples (what `require` counts,
and what bursts are folded from), and the decayed long memory. Times are seconds of the caller's monotonic clock.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from extender.rows import RowTable
from scoring import memory

__all__ = ["ABSENT", "RECENT", "WindowStore", "as_stored"]

ABSENT: Final = 0
"""The row that stands for a path never measured; nothing is ever written to it."""

RECENT: Final = 16
"""Raw samples kept of a path: a burst's ten and one regular interval's neighbours fit."""

EARLY: Final = 0.25
"""Part of an interval by which a sample may come early and still open the next slot: paced sends jitter."""

Rows = NDArray[np.intp]
Floats = NDArray[np.float64]


@dataclass
class _Arrays:
    """The columns of all rows; grown together."""

    ring: NDArray[np.float32]
    head: NDArray[np.intp]
    anchor: Floats
    seen: Floats
    last: Floats
    version: NDArray[np.int64]
    recent_ms: NDArray[np.float32]
    recent_at: Floats
    recent_slot: NDArray[np.int64]
    recent_head: NDArray[np.intp]
    slot: NDArray[np.int64]
    long: NDArray[Any]
    long_at: Floats

    @classmethod
    def empty(cls, rows: int, slots: int) -> "_Arrays":
        return cls(
            ring=np.full((rows, slots), np.nan, np.float32),
            head=np.zeros(rows, np.intp),
            anchor=np.full(rows, -np.inf),
            seen=np.full(rows, -np.inf),
            last=np.full(rows, -np.inf),
            version=np.zeros(rows, np.int64),
            recent_ms=np.full((rows, RECENT), np.nan, np.float32),
            recent_at=np.full((rows, RECENT), -np.inf),
            recent_slot=np.full((rows, RECENT), -1, np.int64),
            recent_head=np.zeros(rows, np.intp),
            slot=np.zeros(rows, np.int64),
            long=memory.empty(rows).astype(np.float32),
            long_at=np.full(rows, -np.inf),
        )

    def grown(self, rows: int) -> "_Arrays":
        more = _Arrays.empty(rows - len(self.head), self.ring.shape[1])
        return _Arrays(**{k: np.concatenate([v, getattr(more, k)]) for k, v in vars(self).items()})

    def reset(self, rows: Rows) -> None:
        blank = _Arrays.empty(1, self.ring.shape[1])
        for name, column in vars(self).items():
            column[rows] = getattr(blank, name)[0]


class WindowStore:
    """Windows of all paths; every method works on many rows at once."""

    def __init__(self, slots: int, interval_s: float, capacity: int = 256) -> None:
        self.slots = slots
        self.interval_s = interval_s
        self._table = RowTable(first=ABSENT + 1)
        self._a = _Arrays.empty(capacity, slots)
        self._writes = 0

    # -- rows ------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._table)

    def row(self, source: str, target: str) -> int:
        """The row of a path, or ABSENT."""
        return self._table.get(source, target, ABSENT)

    def rows(self, sources: Sequence[str], targets: Sequence[str]) -> Rows:
        """Rows of paths given pairwise, ABSENT where there is none."""
        return np.fromiter(map(self.row, sources, targets), np.intp, len(sources))

    def rows_to(self, target: str, sources: Sequence[str]) -> Rows:
        """Rows of the paths from many sources to one target, ABSENT where there is none."""
        return self._table.column(target, sources, ABSENT)

    def rows_from(self, source: str, targets: Sequence[str]) -> Rows:
        """Rows of the paths from one source to many targets, ABSENT where there is none."""
        return self._table.line(source, targets, ABSENT)

    def rows_of(self, source: str) -> Rows:
        """Rows of all paths that a source has measured."""
        return self._table.of_source(source)

    def rows_into(self, target: str) -> Rows:
        """Rows of all paths that end at a node."""
        return self._table.of_target(target)

    def paths(self) -> Iterator[tuple[str, str, int]]:
        """Every (source, target, row)."""
        return self._table.items()

    def nodes(self) -> set[str]:
        """Every node that is a source or a target of a path."""
        return self._table.nodes()

    def paths_version(self, node: str) -> int:
        """A number that changes whenever a path from or to the node gets a row or loses it: then ask for rows again."""
        return self._table.version(node)

    def ensure(self, source: str, targets: Sequence[str]) -> Rows:
        """Rows of a source's paths, made where there is none."""
        rows = np.fromiter((self._table.ensure(source, t) for t in targets), np.intp, len(targets))
        needed = self._table.high + 1
        if needed > len(self._a.head):
            self._a = self._a.grown(max(needed, 2 * len(self._a.head)))
        return rows

    def forget(self, node: str) -> int:
        """Drop all paths from and to a node; returns how many there were."""
        gone = self._table.remove(node)
        self._reset(np.array(gone, np.intp))
        return len(gone)

    def _reset(self, rows: Rows) -> None:
        self._a.reset(rows)
        self._touch(rows)

    def _touch(self, rows: Rows) -> None:
        """Give rows a version that none had before, so that nothing computed from them is taken for current."""
        self._writes += 1
        self._a.version[rows] = self._writes

    def restart(self, source: str) -> None:
        """Empty the short windows of a source before its whole ring arrives; the long memory stays."""
        rows = self.rows_of(source)
        long, long_at = self._a.long[rows], self._a.long_at[rows]
        self._reset(rows)
        self._a.long[rows], self._a.long_at[rows] = long, long_at

    @property
    def capacity(self) -> int:
        """Rows that the arrays hold now."""
        return len(self._a.head)

    # -- writing ---------------------------------------------------------------------------------------------------

    def append(self, rows: Rows, at: Floats, rtt_ms: Floats) -> None:
        """Add one sample to each of several distinct rows: time in seconds, RTT in ms, inf lost, NaN not measured.

        Samples of a row come in order: a time before the row's latest is taken as that latest, because a report that
        was late on its way makes all its samples look younger than they are.
        """
        a = self._a
        at = np.maximum(at, a.seen[rows])
        steps = np.floor((at - a.anchor[rows]) / self.interval_s + EARLY)
        self._advance(rows, np.where(np.isfinite(steps), steps, self.slots).astype(np.int64), at)
        a.seen[rows] = at
        self._touch(rows)
        measured = ~np.isnan(rtt_ms)
        self._fold(rows[measured], at[measured], rtt_ms[measured])

    def _advance(self, rows: Rows, steps: NDArray[np.int64], at: Floats) -> None:
        """Open new slots; the slot that closes enters the long memory, the slots skipped stay unmeasured."""
        moved = steps > 0
        rows, steps, at = rows[moved], steps[moved], at[moved]
        if not len(rows):
            return
        self._remember(rows)
        a = self._a
        ahead = (np.arange(self.slots) - (a.head[rows, None] + 1)) % self.slots
        r, s = np.nonzero(ahead < steps[:, None])
        a.ring[rows[r], s] = np.nan
        a.head[rows] = (a.head[rows] + steps) % self.slots
        a.slot[rows] += steps
        # A regular sample sets the grid; within a burst the grid goes on, or its slots would shrink by what is early.
        regular = at - a.seen[rows] >= self.interval_s / 2
        a.anchor[rows] = np.where(regular, at, a.anchor[rows] + steps * self.interval_s)

    def _remember(self, rows: Rows) -> None:
        """Fold the closing slots' values into the long memory, once each even if a ring arrives again."""
        a = self._a
        value, at = a.ring[rows, a.head[rows]].astype(np.float64), a.anchor[rows]
        new = ~np.isnan(value) & (at > a.long_at[rows] + self.interval_s / 2)
        rows, value, at = rows[new], value[new], at[new]
        if not len(rows):
            return
        elapsed_s = np.where(np.isfinite(a.long_at[rows]), at - a.long_at[rows], 0.0)
        memory.observe(a.long, value, elapsed_s, rows)
        a.long_at[rows] = at

    def _fold(self, rows: Rows, at: Floats, rtt_ms: Floats) -> None:
        """Keep the raw samples, and set each row's open slot to the median of its raw samples."""
        if not len(rows):
            return
        a = self._a
        h = a.recent_head[rows] = (a.recent_head[rows] + 1) % RECENT
        a.recent_ms[rows, h], a.recent_at[rows, h], a.recent_slot[rows, h] = rtt_ms, at, a.slot[rows]
        a.last[rows] = at
        own = np.where(a.recent_slot[rows] == a.slot[rows, None], a.recent_ms[rows], np.nan)
        a.ring[rows, a.head[rows]] = _median(own)

    # -- reading ---------------------------------------------------------------------------------------------------

    def windows(self, rows: Rows, now: float) -> NDArray[np.float64]:
        """[n, slots] in ms, oldest first, the last slot being now's: what did not come lately is NaN."""
        a = self._a
        shift = self._overdue(rows, now)
        slots = np.arange(self.slots)
        index = (a.head[rows, None] + 1 + slots + shift[:, None]) % self.slots
        taken = np.take_along_axis(a.ring[rows], index, axis=1).astype(np.float64)
        taken[slots >= self.slots - shift[:, None]] = np.nan
        return taken

    def _overdue(self, rows: Rows, now: float) -> NDArray[np.int64]:
        """Slots that should have come since the newest: half an interval late is not yet missing."""
        late = np.floor((now - self._a.anchor[rows]) / self.interval_s - 0.5)
        return np.clip(np.where(np.isfinite(late), late, self.slots), 0, self.slots).astype(np.int64)

    def age_s(self, rows: Rows, now: float) -> Floats:
        """Seconds since each row's last sample (measured or lost); inf where there is none."""
        return now - self._a.last[rows]

    def version(self, rows: Rows) -> NDArray[np.int64]:
        """A number for each row that changes with every sample, and when the row is used for another path."""
        return self._a.version[rows]

    @property
    def writes(self) -> int:
        """A number that changes whenever the version of any row does."""
        return self._writes

    def windows_until(self, rows: Rows, now: float) -> Floats:
        """The time from which each row's window is another one although nothing has come; inf where it stays."""
        shift = self._overdue(rows, now)
        due = self._a.anchor[rows] + (shift + 1.5) * self.interval_s
        return np.where(shift < self.slots, due, np.inf)

    def recent_until(self, rows: Rows, now: float, within_s: float, count: int = RECENT) -> Floats:
        """The time up to which `recent` gives the same although nothing comes; inf where there is nothing to lose."""
        index = (self._a.recent_head[rows, None] + 1 + np.arange(RECENT - count, RECENT)) % RECENT
        ends = np.take_along_axis(self._a.recent_at[rows], index, axis=1) + within_s
        first: Floats = np.where(ends >= now, ends, np.inf).min(axis=1)
        return first

    def recent(self, rows: Rows, now: float, within_s: float, count: int = RECENT) -> Floats:
        """[n, count] last raw samples, oldest first, NaN for those that are older than `within_s` or absent."""
        a = self._a
        index = (a.recent_head[rows, None] + 1 + np.arange(RECENT - count, RECENT)) % RECENT
        values = np.take_along_axis(a.recent_ms[rows], index, axis=1).astype(np.float64)
        values[now - np.take_along_axis(a.recent_at[rows], index, axis=1) > within_s] = np.nan
        return values

    def long_memory(self, rows: Rows, now: float) -> NDArray[np.float64]:
        """[n, half-lives, bins] decayed weights of the long memory, as of now."""
        a = self._a
        since = np.where(np.isfinite(a.long_at[rows]), now - a.long_at[rows], 0.0)
        decayed: NDArray[np.float64] = a.long[rows] * memory.decay_factor(since)[..., None]
        return decayed


def as_stored(ms: float) -> float:
    """A limit that a sample of exactly this value keeps, although samples are stored in single precision."""
    return max(ms, float(np.float32(ms)))


def _median(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of each row's numbers, NaN left out; a median between a number and a loss is a loss."""
    ordered = np.sort(values, axis=1)  # inf behind the numbers, NaN behind inf
    count = (~np.isnan(values)).sum(axis=1)
    each = np.arange(len(values))
    low = ordered[each, np.maximum(count - 1, 0) // 2]
    high = ordered[each, np.minimum(count // 2, ordered.shape[1] - 1)]
    middle: NDArray[np.float32] = (low + high) / 2
    return middle
