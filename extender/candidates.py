"""The nodes of a call as numbers, so that what is known of them is looked up in arrays, and their names as JSON.

Each name has a place from the first time it is asked about. What is remembered of nodes lies at their places.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from extender.nametable import NameTable

__all__ = ["HOST", "MOST", "ROOM", "Candidates", "NodeIndex", "Places", "Refused"]

MOST: Final = 40_000
"""Names that an index holds; when there are more, a new one begins."""

HOST: Final = np.frombuffer(b'{"Host":', np.uint8)
ROOM: Final = len(b',"Score":10},')

_SPACE: Final = ord(" ")
_FIRST_WIDTH: Final = 16
_SPARE: Final = 16
"""Bytes of space that cost less than to copy the rows without them."""

Places = NDArray[np.intp]
Bytes = NDArray[np.uint8]

_encode = msgspec.json.Encoder().encode


class NodeIndex:
    """Places of names, from 0 upward; a place never changes its name."""

    def __init__(self) -> None:
        self._place: dict[str, int] = {}
        self.names: list[str] = []
        self._table = np.full((256, len(HOST) + _FIRST_WIDTH + ROOM), _SPACE, np.uint8)
        self._table[:, : len(HOST)] = HOST
        self._width = np.zeros(256, np.intp)
        self._longest = self._bytes = 0  # of all names: the longest, and together
        self._listing, self._last = NameTable(()), 0

    def __len__(self) -> int:
        return len(self.names)

    def places(self, names: Sequence[str]) -> Places:
        """[n] places of names; new ones get theirs."""
        try:
            return np.fromiter(map(self._place.__getitem__, names), np.intp, len(names))
        except KeyError:
            self._add([name for name in dict.fromkeys(names) if name not in self._place])
            return self.places(names)

    def listed(self, text: bytes) -> Places | None:
        """[n] places of the names in a JSON list; None where the names themselves must be looked up."""
        if self._listing.size != len(self.names):
            came, self._last = self._last != len(self.names), len(self.names)
            if came:  # and more may come: a table of all is made when none has come since the last call
                return None
            self._listing = NameTable(self.names)
        return self._listing.places(text, self.find)

    def find(self, name: str) -> int:
        """The place of a name, or -1."""
        return self._place.get(name, -1)

    def _add(self, names: Sequence[str]) -> None:
        quoted = [_encode(name) for name in names]
        begin, end = len(self.names), len(self.names) + len(names)
        self._fit(end, max(map(len, quoted)))
        for place, raw in enumerate(quoted, begin):
            self._table[place, len(HOST) : len(HOST) + len(raw)] = np.frombuffer(raw, np.uint8)
            self._width[place] = len(raw)
        self._longest, self._bytes = max(self._longest, *map(len, quoted)), self._bytes + sum(map(len, quoted))
        self._place |= {name: place for place, name in enumerate(names, begin)}
        self.names += names

    def _fit(self, names: int, width: int) -> None:
        """Make room for so many names, the longest of which takes so many bytes."""
        rows, columns = self._table.shape
        if names > rows or len(HOST) + width + ROOM > columns:
            size = max(names, 2 * rows) if names > rows else rows, max(columns, len(HOST) + width + ROOM)
            table = np.full(size, _SPACE, np.uint8)
            table[:, : len(HOST)] = HOST
            table[:rows, :columns] = self._table
            self._table = table
            self._width = np.pad(self._width, (0, size[0] - rows))

    def quoted(self, places: Places) -> Bytes | None:
        """[n, w]: the names as JSON strings, spaces behind the shorter ones; None where these would outweigh them."""
        widest = self._widest(places)
        return None if widest is None else self._table.take(places, axis=0)[:, len(HOST) : len(HOST) + widest]

    def hosts(self, places: Places) -> Bytes | None:
        """[n, w]: as `quoted`, with `{"Host":` before each name and `ROOM` bytes of space behind it."""
        widest = self._widest(places)
        if widest is None:
            return None
        rows = self._table.take(places, axis=0)
        width = len(HOST) + widest + ROOM
        return rows if rows.shape[1] - width <= _SPARE else rows[:, :width].copy()

    def _widest(self, places: Places) -> int | None:
        if self._longest * len(self.names) <= 2 * self._bytes:
            return self._longest
        widths = self._width.take(places)
        widest = int(widths.max(initial=0))
        return None if widest * len(places) > 2 * int(widths.sum()) + 1024 else widest


@dataclass(frozen=True)
class Candidates:
    """The nodes of one call, in its order."""

    index: NodeIndex
    places: Places

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def names(self) -> list[str]:
        """[n] their names."""
        names = self.index.names
        return [names[place] for place in self.places.tolist()]

    def named(self, which: NDArray[np.intp]) -> list[str]:
        """The names of some of them, given by position."""
        names = self.index.names
        return [names[place] for place in self.places[which].tolist()]


class Refused(Mapping[str, str]):
    """Reasons by refused node; names are only looked up when somebody reads them."""

    def __init__(self, candidates: Candidates, groups: Sequence[tuple[str, NDArray[np.intp]]]) -> None:
        self._candidates = candidates
        self.groups = groups
        """(reason, positions among the candidates), no position twice."""

    @cached_property
    def _reasons(self) -> dict[str, str]:
        named = self._candidates.named
        return {name: reason for reason, which in self.groups for name in named(which)}

    @cached_property
    def signature(self) -> Hashable:
        """Equal where the same nodes are refused for the same reasons, in whatever order they came."""
        places = self._candidates.places
        said = sorted((reason, np.sort(places[which]).tobytes()) for reason, which in self.groups if len(which))
        digest = blake2b(digest_size=16)
        for reason, where in said:
            digest.update(f"{reason}\0{len(where)}\0".encode())
            digest.update(where)
        return id(self._candidates.index), digest.digest()  # the index lives as long as this

    @cached_property
    def kept(self) -> NDArray[np.bool_]:
        """[n]: the candidates that are not refused."""
        kept = np.ones(len(self._candidates), dtype=bool)
        for _, which in self.groups:
            kept[which] = False
        return kept

    def __getitem__(self, name: str) -> str:
        return self._reasons[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._reasons)

    def __len__(self) -> int:
        return sum(len(which) for _, which in self.groups)
