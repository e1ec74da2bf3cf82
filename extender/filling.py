"""A body that comes in pieces."""

import numpy as np

from extender.http import LARGE

__all__ = ["Filling"]


class Filling:
    """A body of so many bytes; `left` are still to come."""

    __slots__ = ("_bytes", "left")

    def __init__(self, length: int) -> None:
        self._bytes = np.empty(length, np.uint8).data  # memory of numpy's, as in `extender.http.large_body`
        self.left = length

    def put(self, data: bytes) -> bytes:
        """Take what is missing; gives what is beyond it."""
        at, count = len(self._bytes) - self.left, min(len(data), self.left)
        self._bytes[at : at + count] = data[:count]
        self.left -= count
        return data[count:]

    def whole(self) -> bytes | memoryview:
        """The body once nothing is missing, a large one as a view of the memory that it is in."""
        return self._bytes if len(self._bytes) >= LARGE else bytes(self._bytes)
