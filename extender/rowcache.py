"""Results computed from windows, kept by row until the window moves on, other models serve, or nobody asks."""

import time
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.windows import ABSENT, WindowStore

__all__ = ["KEPT_S", "RowCache"]

KEPT_S: Final = 600.0
"""What nobody asked for so long is dropped: of all rows of a store, pods ask for those of a few peers."""

_NOWHERE: Final = 0
"""The place of a row of which nothing is kept; it says so."""

_COLUMNS: Final = (("row", np.intp), ("version", np.int64), ("generation", np.int64), ("asked", np.float64))

Rows = NDArray[np.intp]


class RowCache:
    """``[rows, width]`` single-precision values beside the store's rows; NaN where nothing is known.

    A row whose value was computed has a place in the compact arrays; the others cost the number that says so.
    """

    def __init__(self, store: WindowStore, width: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._dtype = np.dtype([*_COLUMNS, ("values", np.float32, (width,))])
        self._place = np.zeros(0, np.int32)
        self._kept = self._blank(1)
        self._used = 1
        self._tidied = clock()

    def __len__(self) -> int:
        """How many rows have a place."""
        return self._used - 1

    def stale(self, rows: Rows, generation: int) -> NDArray[np.bool_]:
        """[n]: rows whose value is missing, of an earlier window or of other models; never the absent row."""
        now = self._clock()
        if now - self._tidied >= KEPT_S:
            self._tidy(now)
        places = self._places(rows)
        self._kept["asked"][places] = now
        moved = self._kept["version"][places] != self._store.version(rows)
        return np.asarray((rows != ABSENT) & (moved | (self._kept["generation"][places] != generation)))

    def put(self, rows: Rows, version: NDArray[np.int64], generation: int, values: NDArray[np.floating]) -> None:
        """Keep [n, width] values that were computed from these versions of rows, none of them the absent one."""
        self._make_room(rows)
        places, kept = self._place[rows], self._kept
        kept["values"][places], kept["version"][places], kept["generation"][places] = values, version, generation
        kept["asked"][places] = self._clock()

    def get(self, rows: Rows) -> NDArray[np.float64]:
        """[n, width] of the last values; NaN for the absent row."""
        return self._kept["values"][self._places(rows)].astype(np.float64)

    def _places(self, rows: Rows) -> NDArray[np.int32]:
        """[n]; `_NOWHERE` for the absent row, and for rows of which nothing is kept."""
        self._fit()
        return self._place[rows]

    def _make_room(self, rows: Rows) -> None:
        """Give rows without a place one."""
        new = np.unique(rows[(self._places(rows) == _NOWHERE) & (rows != ABSENT)])
        needed = self._used + new.size
        if needed > len(self._kept):
            grown = self._blank(max(needed, len(self._kept) * 3 // 2))
            grown[: self._used] = self._kept[: self._used]
            self._kept = grown
        self._place[new] = np.arange(self._used, needed)
        self._kept["row"][self._used : needed] = new
        self._used = needed

    def _tidy(self, now: float) -> None:
        """Drop what nobody asked for lately."""
        self._tidied = now
        kept = self._kept[: self._used]
        keep = kept["asked"] > now - KEPT_S
        keep[_NOWHERE] = True
        if keep.all():
            return
        self._place[kept["row"][~keep]] = _NOWHERE
        self._kept = kept[keep]
        self._used = len(self._kept)
        self._place[self._kept["row"][1:]] = np.arange(1, self._used)

    def _fit(self) -> None:
        """The store may have grown."""
        missing = self._store.capacity - len(self._place)
        if missing > 0:
            self._place = np.concatenate([self._place, np.full(missing, _NOWHERE, np.int32)])

    def _blank(self, places: int) -> NDArray[np.void]:
        blank = np.zeros(places, self._dtype)
        blank["row"], blank["version"], blank["generation"], blank["values"] = ABSENT, -1, -1, np.nan
        return blank
