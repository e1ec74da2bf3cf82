"""The columns behind the windows: one entry for each path's row, in arrays that grow and shrink in place."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from scoring import memory

__all__ = ["RECENT", "RowArrays", "Floats", "Rows"]

RECENT: Final = 16
"""Raw samples kept of a path: a burst's ten and one regular interval's neighbours fit."""

STEP_ROWS: Final = 16_384
"""Rows by which large columns grow: some 10 MB, which the kernel adds without copying what is there."""

Rows = NDArray[np.intp]
Floats = NDArray[np.float64]


@dataclass(slots=True)
class RowArrays:
    """All columns, 640 bytes a row with 64 slots. Nobody may keep a view of one: it moves when the rows change."""

    ring: NDArray[np.float32]
    """[rows, slots] in ms: NaN unmeasured, inf lost."""
    head: NDArray[np.int16]
    """The open slot."""
    in_slot: NDArray[np.int8]
    """How many of the last raw samples belong to the open slot, at most `RECENT`."""
    anchor: Floats
    """The time at which the open slot's grid lies."""
    seen: Floats
    """The time of the latest sample, measured or not."""
    last: Floats
    """The time of the latest sample that was measured or lost."""
    version: NDArray[np.int64]
    recent_ms: NDArray[np.float32]
    """[rows, RECENT]: the last raw samples."""
    recent_at: NDArray[np.float32]
    """[rows, RECENT]: their times, as seconds since `base`: single precision tells milliseconds over an hour only."""
    base: Floats
    recent_head: NDArray[np.int8]
    long: NDArray[np.float32]
    """[rows, half-lives, bins]: the long memory."""
    long_at: Floats
    """The time of the long memory's latest sample."""

    @classmethod
    def blank(cls, rows: int, slots: int) -> "RowArrays":
        """Rows in which nothing was measured."""
        return cls(
            ring=np.full((rows, slots), np.nan, np.float32),
            head=np.zeros(rows, np.int16),
            in_slot=np.zeros(rows, np.int8),
            anchor=np.full(rows, -np.inf),
            seen=np.full(rows, -np.inf),
            last=np.full(rows, -np.inf),
            version=np.zeros(rows, np.int64),
            recent_ms=np.full((rows, RECENT), np.nan, np.float32),
            recent_at=np.full((rows, RECENT), -np.inf, np.float32),
            base=np.full(rows, -np.inf),
            recent_head=np.zeros(rows, np.int8),
            long=memory.empty(rows).astype(np.float32),
            long_at=np.full(rows, -np.inf),
        )

    def __len__(self) -> int:
        return len(self.head)

    @property
    def slots(self) -> int:
        """Slots of a ring."""
        return int(self.ring.shape[1])

    def _all(self) -> list[NDArray[Any]]:
        return [getattr(self, name) for name in self.__slots__]

    def fit(self, rows: int) -> None:
        """Grow to at least so many rows, in steps that waste little."""
        if rows > len(self):
            self.resize(max(rows, len(self) + min(len(self), STEP_ROWS)))

    def resize(self, rows: int) -> None:
        """Have so many rows; the new ones are blank."""
        before, blank = len(self), RowArrays.blank(1, self.slots)
        for column, value in zip(self._all(), blank._all(), strict=True):
            # In place, or there would be two copies of the largest column for a moment. Views are nobody's, see above.
            column.resize((rows, *column.shape[1:]), refcheck=False)
            column[before:] = value[0]

    def reset(self, rows: Rows) -> None:
        """Make rows blank."""
        blank = RowArrays.blank(1, self.slots)
        for column, value in zip(self._all(), blank._all(), strict=True):
            column[rows] = value[0]

    def move(self, rows: Rows, to: Rows) -> None:
        """Move rows to others, and leave them blank."""
        for column in self._all():
            column[to] = column[rows]
        self.reset(rows)
