"""Segments of a recording on disk: appended to, closed at a size, and the oldest removed to keep a budget."""

import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from extender.recording import SUFFIX

__all__ = ["SegmentWriter", "segments"]

PARTS: Final = 16
"""Segments that a budget holds: removing the oldest gives up a sixteenth of the recording."""

SMALLEST_BYTES: Final = 64 * 1024


def segments(folder: Path) -> list[Path]:
    """The segments in a folder, oldest first: their names are their first times."""
    return sorted(folder.glob(f"*{SUFFIX}"))


class SegmentWriter:
    """Appends blocks, each in one write and at once visible to readers. Every method may raise OSError.

    A segment of an earlier run is never appended to: its last block may be unfinished.
    """

    def __init__(self, folder: Path, most_bytes: int, now_s: Callable[[], float]) -> None:
        self._folder, self._most, self._now_s = folder, most_bytes, now_s
        self._file: BinaryIO | None = None
        self._size = 0

    def write(self, block: bytes) -> None:
        """Append a block whole, or nothing of it."""
        file = self._file or self._open()
        try:
            _whole(file.write(block), block)
        except OSError:
            self._mend(file)
            raise
        self._size += len(block)
        if self._size >= max(self._most // PARTS, SMALLEST_BYTES):
            self.close()

    def close(self) -> None:
        """Close the open segment; the next block begins a new one."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _mend(self, file: BinaryIO) -> None:
        """Take back what a full disk left of a block, so that what follows can be read."""
        try:
            os.ftruncate(file.fileno(), self._size)
            file.seek(self._size)
        except OSError:
            self.close()

    def _open(self) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._make_room()
        stamp = datetime.fromtimestamp(self._now_s(), UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        self._file = (self._folder / f"{stamp}{SUFFIX}").open("xb", buffering=0)
        self._size = 0
        return self._file

    def _make_room(self) -> None:
        """Remove the oldest segments until a new one fits into the budget."""
        found = segments(self._folder)
        sizes = [path.stat().st_size for path in found]
        room = self._most - max(self._most // PARTS, SMALLEST_BYTES)
        while found and sum(sizes) > room:
            found.pop(0).unlink(missing_ok=True)
            sizes.pop(0)


def _whole(written: int | None, block: bytes) -> None:
    """A disk that fills up takes a part first, and fails only at the next write."""
    if written != len(block):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
