"""Results computed from windows, kept by row until the window moves on or other models serve."""

import numpy as np
from numpy.typing import NDArray

from extender.windows import ABSENT, WindowStore

__all__ = ["RowCache"]


class RowCache:
    """``[rows, width]`` single-precision values beside the store's rows; NaN where nothing is known."""

    def __init__(self, store: WindowStore, width: int) -> None:
        self._store = store
        self._values = np.full((0, width), np.nan, np.float32)
        self._version = np.zeros(0, np.int64)
        self._generation = np.zeros(0, np.int64)

    def stale(self, rows: NDArray[np.intp], generation: int) -> NDArray[np.bool_]:
        """[n]: rows whose value is missing, of an earlier window or of other models; never the absent row."""
        self._fit()
        moved = self._version[rows] != self._store.version(rows)
        return np.asarray((rows != ABSENT) & (moved | (self._generation[rows] != generation)))

    def put(
        self, rows: NDArray[np.intp], version: NDArray[np.int64], generation: int, values: NDArray[np.floating]
    ) -> None:
        """Keep [n, width] values that were computed from these versions of the rows."""
        self._fit()
        self._values[rows], self._version[rows], self._generation[rows] = values, version, generation

    def get(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """[n, width] of the last values; NaN for the absent row."""
        self._fit()
        return np.where((rows != ABSENT)[:, None], self._values[rows], np.nan).astype(np.float64)

    def _fit(self) -> None:
        """The store may have grown."""
        missing = self._store.capacity - len(self._version)
        if missing > 0:
            blank = np.full((missing, self._values.shape[1]), np.nan, np.float32)
            self._values = np.concatenate([self._values, blank])
            self._version = np.concatenate([self._version, np.full(missing, -1)])
            self._generation = np.concatenate([self._generation, np.full(missing, -1)])
