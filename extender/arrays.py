"""The columns behind the windows: one entry for each path's row, grown and shrunk together."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from extender.reserve import Reserve
from scoring import memory

__all__ = ["RECENT", "Floats", "RowArrays", "Rows"]

RECENT: Final = 16
"""Raw samples kept of a path: a burst's ten and one regular interval's neighbours fit."""

STEP_ROWS: Final = 2048
"""Rows by which large columns grow: some 1.3 MB, filled in less than a millisecond."""

RESERVED_ROWS: Final = 2**20
"""Rows that columns can grow to without being copied: sixteen thousand nodes with 64 targets each."""

Rows = NDArray[np.intp]
Floats = NDArray[np.float64]


class RowArrays:
    """All columns, 640 bytes a row with 64 slots; take them from here each time, because they are others as rows come.

    `most` rows are the room that is reserved for them.
    """

    def __init__(self, rows: int, slots: int, most: int = RESERVED_ROWS) -> None:
        self._blank = _blank(slots)
        self._reserve(max(rows, most))
        self.resize(rows)

    def _reserve(self, most: int) -> None:
        self._most = most
        self._columns = {k: Reserve(v.dtype, v.shape, most) for k, v in self._blank.items()}

    def __len__(self) -> int:
        return len(self.head)

    @property
    def slots(self) -> int:
        """Slots of a ring."""
        return int(self.ring.shape[1])

    def fit(self, rows: int) -> None:
        """Grow to at least so many rows, in steps that waste little."""
        if rows > len(self):
            self.resize(max(rows, len(self) + min(len(self), STEP_ROWS)))

    def resize(self, rows: int) -> None:
        """Have so many rows; the new ones are blank."""
        if rows > self._most:
            before = {k: c.array for k, c in self._columns.items()}
            self._reserve(max(rows, 2 * self._most))
            for name, column in self._columns.items():
                column.resize(len(before[name]))
                column.array[:] = before[name]
        for name, column in self._columns.items():
            begin = len(column.array)
            column.resize(rows)
            column.array[begin:] = self._blank[name]
        self._expose()

    def reset(self, rows: Rows) -> None:
        """Make rows blank."""
        for name, column in self._columns.items():
            column.array[rows] = self._blank[name]

    def move(self, rows: Rows, to: Rows) -> None:
        """Move rows to others, and leave them blank."""
        for column in self._columns.values():
            column.array[to] = column.array[rows]
        self.reset(rows)

    def _expose(self) -> None:
        c = {name: column.array for name, column in self._columns.items()}
        self.ring: NDArray[np.float32] = c["ring"]
        """[rows, slots] in ms: NaN unmeasured, inf lost."""
        self.head: NDArray[np.int16] = c["head"]
        """The open slot."""
        self.in_slot: NDArray[np.int8] = c["in_slot"]
        """How many of the last raw samples belong to the open slot, at most `RECENT`."""
        self.anchor: Floats = c["anchor"]
        """The time at which the open slot's grid lies."""
        self.seen: Floats = c["seen"]
        """The time of the latest sample, measured or not."""
        self.last: Floats = c["last"]
        """The time of the latest sample that was measured or lost."""
        self.version: NDArray[np.int64] = c["version"]
        self.recent_ms: NDArray[np.float32] = c["recent_ms"]
        """[rows, RECENT]: the last raw samples."""
        self.recent_at: NDArray[np.float32] = c["recent_at"]
        """[rows, RECENT]: their times, as seconds since `base`: single precision is too coarse for the clock's own."""
        self.base: Floats = c["base"]
        self.recent_head: NDArray[np.int8] = c["recent_head"]
        self.long: NDArray[Any] = c["long"]
        """[rows, half-lives, bins]: the long memory, in single precision."""
        self.long_at: Floats = c["long_at"]
        """The time of the long memory's latest sample."""


def _blank(slots: int) -> dict[str, NDArray[Any]]:
    """What each column holds of a path that was never measured."""
    never = np.array(-np.inf)
    return {
        "ring": np.full(slots, np.nan, np.float32),
        "head": np.array(0, np.int16),
        "in_slot": np.array(0, np.int8),
        "anchor": never,
        "seen": never,
        "last": never,
        "version": np.array(0, np.int64),
        "recent_ms": np.full(RECENT, np.nan, np.float32),
        "recent_at": np.full(RECENT, -np.inf, np.float32),
        "base": never,
        "recent_head": np.array(0, np.int8),
        "long": memory.empty(1)[0].astype(np.float32),
        "long_at": never,
    }
