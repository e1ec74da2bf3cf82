"""Arrays that grow and shrink without ever moving: address space is reserved, memory comes as it is used."""

import mmap
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Reserve"]

_NORESERVE: Final = getattr(mmap, "MAP_NORESERVE", 0x4000)
"""Linux' number, which Python 3.11 does not name yet: address space alone is not counted as memory."""

_PRIVATE: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE


class Reserve:
    """Room for `most` rows of one column, all bytes zero; `array` are the rows that are in use."""

    def __init__(self, dtype: np.dtype[Any], width: tuple[int, ...], most: int) -> None:
        self._row_bytes = dtype.itemsize * int(np.prod(width))
        # Of the anonymous memory behind this only pages that were written to exist.
        self._memory = mmap.mmap(-1, max(most * self._row_bytes, 1), flags=_PRIVATE)
        self._whole: NDArray[Any] = np.frombuffer(self._memory, dtype, most * int(np.prod(width))).reshape(-1, *width)
        self.array: NDArray[Any] = self._whole[:0]

    def resize(self, rows: int) -> None:
        """Have so many rows in use, `most` at most; the memory of those given up goes back."""
        if rows < len(self.array):
            begin = -(-rows * self._row_bytes // mmap.PAGESIZE) * mmap.PAGESIZE
            end = len(self.array) * self._row_bytes
            if begin < end:
                self._memory.madvise(mmap.MADV_DONTNEED, begin, end - begin)
        self.array = self._whole[:rows]
