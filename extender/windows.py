"""What was measured of every path: one row of preallocated arrays for each (source, target).

A row holds a ring of slots one interval apart (NaN unmeasured, inf lost), the last raw samples (what `require` counts,
and what bursts are folded from), and the decayed long memory. Times are seconds of the caller's monotonic clock.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender import reading
from extender.arrays import RECENT, Floats, RowArrays, Rows
from extender.pending import MOST_WAITING, Pending, write
from extender.rows import RowTable
from extender.slots import Slots

__all__ = ["ABSENT", "RECENT", "WindowStore", "as_stored"]

ABSENT: Final = 0
"""The row that stands for a path never measured; nothing is ever written to it."""

SPARE_ROWS: Final = 32_768
"""Unused rows that are not worth giving back."""

STEP_ROWS: Final = 128
"""Rows that are moved at once."""


class WindowStore:
    """Windows of all paths; every method works on many rows at once."""

    def __init__(self, slots: int, interval_s: float, capacity: int = 256) -> None:
        self.slots = slots
        self.interval_s = interval_s
        self._table = RowTable(first=ABSENT + 1)
        self._columns = RowArrays(capacity, slots)
        self._slots = Slots(self._columns, interval_s)
        self._pending = Pending()
        self._writes = 0
        self.flushes = 0
        """Changes whenever all that was taken in before is in the columns."""

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

    def rows_of(self, source: str, most: int | None = None) -> Rows:
        """Rows of all paths that a source has measured, or of the first `most` of them."""
        return self._table.of_source(source, most)

    def paths_from(self, source: str) -> tuple[Sequence[str], Rows]:
        """The targets of all paths that a source has measured, and their rows."""
        return self._table.targets_of(source), self.rows_of(source)

    def rows_into(self, target: str, most: int | None = None) -> Rows:
        """Rows of all paths that end at a node, or of the first `most` of them."""
        return self._table.of_target(target, most)

    def paths(self, source: str | None = None, target: str | None = None) -> Iterator[tuple[str, str, int]]:
        """Every (source, target, row), or only those of one source, of one target or of both."""
        return self._table.items(source, target)

    def nodes(self) -> set[str]:
        """Every node that is a source or a target of a path."""
        return self._table.nodes()

    def paths_version(self, node: str) -> int:
        """A number that changes whenever a path from or to the node gets another row or none: then ask again."""
        return self._table.version(node)

    def ensure(self, source: str, targets: Sequence[str]) -> Rows:
        """Rows of a source's paths, made where there is none."""
        rows = self._table.ensure(source, targets)
        self._columns.fit(self._table.high + 1)
        return rows

    def forget(self, node: str) -> int:
        """Drop all paths from and to a node; returns how many there were."""
        self.flush()
        gone = np.array(self._table.remove(node), np.intp)
        self._columns.reset(gone)
        self._touch(gone)
        return len(gone)

    def release(self, source: str, targets: Sequence[str]) -> None:
        """Drop some paths of a source, which it must have."""
        self.flush()
        gone = self._table.release(source, targets)
        self._columns.reset(gone)
        self._touch(gone)

    def _touch(self, rows: Rows) -> None:
        """Give rows a version that none had before, so that nothing computed from them is taken for current."""
        self._writes += 1
        self._columns.version[rows] = self._writes

    def restart(self, source: str) -> None:
        """Empty the short windows of a source before its whole ring arrives; the long memory stays."""
        self.flush()
        rows, a = self.rows_of(source), self._columns
        long, long_at = a.long[rows], a.long_at[rows]
        a.reset(rows)
        a.long[rows], a.long_at[rows] = long, long_at
        self._touch(rows)

    @property
    def capacity(self) -> int:
        """Rows that the arrays hold now."""
        return len(self._columns)

    @property
    def roomy(self) -> bool:
        """Whether so many rows are unused that `compact` is worth its while."""
        return self.capacity - len(self) > max(SPARE_ROWS, len(self) // 4)

    def compact(self) -> Iterator[None]:
        """Give unused rows back, in steps of a fraction of a millisecond between which anything may happen."""
        limit = len(self._table) + ABSENT
        for source in self._table.sources():
            while True:
                rows, to = self._table.lowered(source, limit, STEP_ROWS)
                if not len(rows):
                    break
                self.flush()
                self._columns.move(rows, to)
                self._touch(np.concatenate([rows, to]))
                yield
            yield
        self._table.trim()
        if self._table.high + 1 < self.capacity:
            self.flush()
            self._columns.resize(self._table.high + 1)

    # -- writing ---------------------------------------------------------------------------------------------------

    def write(self, rows: Rows, at: Floats, rtt_ms: Floats) -> None:
        """Add samples: time in seconds, RTT in ms, inf lost, NaN not measured. A row may have several, in order.

        They may wait a moment to be written with others', but are seen by whoever reads.
        """
        self._pending.add(rows, at, rtt_ms)
        if self._pending.samples >= MOST_WAITING:
            self.flush()

    def append(self, rows: Rows, at: Floats, rtt_ms: Floats) -> None:
        """Add one sample to each of several distinct rows, at once; otherwise like `write`."""
        self.flush()
        self._slots.append(rows, at, rtt_ms)
        self._touch(rows)

    def flush(self) -> None:
        """Write what waits."""
        self.flushes += 1
        if self._pending.samples:
            rows, at, rtt_ms = self._pending.take()
            write(self._slots, self._columns, rows, at, rtt_ms)
            self._touch(rows)

    # -- reading ---------------------------------------------------------------------------------------------------

    @property
    def _written(self) -> RowArrays:
        """The columns with all that was taken in."""
        if self._pending.samples:
            self.flush()
        return self._columns

    def _held(self, rows: Rows) -> Rows:
        """Rows that were asked for before the arrays shrank may be beyond them: absent."""
        within = not len(rows) or rows.max() < self.capacity
        return rows if within else np.where(rows < self.capacity, rows, ABSENT)

    def windows(self, rows: Rows, now: float) -> NDArray[np.float64]:
        """[n, slots] in ms, oldest first, the last slot being now's: what did not come lately is NaN."""
        return self.windows_as_of(rows, now).astype(np.float64)

    def windows_as_of(self, rows: Rows, now: float | Floats, *, flush: bool = True) -> NDArray[np.float32]:
        """As `windows`, as single as they are stored; `now` may be [n], a time for each row.

        Without `flush` what waits to be written is not in them.
        """
        columns = self._written if flush else self._columns
        return reading.windows(columns, self._held(rows), now, self.interval_s)

    def age_s(self, rows: Rows, now: float, *, flush: bool = True) -> Floats:
        """Seconds since each row's last sample (measured or lost); inf where there is none. `flush`: see `recent`."""
        columns = self._written if flush else self._columns
        age: Floats = now - columns.last[self._held(rows)]
        return age

    def freshness(self, now: float, fresh_for_s: float) -> tuple[int, int, int]:
        """How many paths are fresh, how many stale, and how many were never measured."""
        age = now - self._written.last  # of rows that are not in use as of those never measured: infinite
        fresh, measured = int(np.count_nonzero(age <= fresh_for_s)), int(np.count_nonzero(age < np.inf))
        return fresh, measured - fresh, len(self) - measured

    def version(self, rows: Rows) -> NDArray[np.int64]:
        """A number for each row that changes with every sample, and when the row is used for another path."""
        return self._written.version[self._held(rows)]

    @property
    def writes(self) -> int:
        """A number that changes whenever the version of any row does."""
        self.flush()
        return self._writes

    def windows_until(self, rows: Rows, now: float) -> Floats:
        """The time from which each row's window is another one although nothing has come; inf where it stays."""
        return reading.windows_until(self._written, self._held(rows), now, self.interval_s)

    def recent_until(self, rows: Rows, now: float, within_s: float, count: int = RECENT) -> Floats:
        """The time up to which `recent` gives the same although nothing comes; inf where there is nothing to lose."""
        return reading.recent_until(self._written, self._held(rows), now, within_s, count)

    def recent(self, rows: Rows, now: float, within_s: float, count: int = RECENT, *, flush: bool = True) -> Floats:
        """[n, count] last raw samples, oldest first, NaN for those that are older than `within_s` or absent.

        Without `flush` what waits to be written is not in them.
        """
        columns = self._written if flush else self._columns
        return reading.recent(columns, self._held(rows), now, within_s, count)

    def long_memory(self, rows: Rows, now: float) -> NDArray[np.float64]:
        """[n, half-lives, bins] decayed weights of the long memory, as of now."""
        return reading.long_memory(self._written, self._held(rows), now)


def as_stored(ms: float) -> float:
    """A limit that a sample of exactly this value keeps, although samples are stored in single precision."""
    return max(ms, float(np.float32(ms)))
