"""The nodes of a call as numbers, so that what is known of them is looked up in arrays, and their names as JSON.

Each name has a place from the first time it is asked about. What is remembered of nodes lies at their places.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST", "Candidates", "NodeIndex", "Places", "Refused"]

MOST: Final = 40_000
"""Names that an index holds; when there are more, a new one begins."""

_FIRST_WIDTH: Final = 32

Places = NDArray[np.intp]
Bytes = NDArray[np.uint8]

_encode = msgspec.json.Encoder().encode


class NodeIndex:
    """Places of names, from 0 upward; a place never changes its name."""

    def __init__(self) -> None:
        self._place: dict[str, int] = {}
        self.names: list[str] = []
        self._quoted = np.full((256, _FIRST_WIDTH), ord(" "), np.uint8)
        self._width = np.zeros(256, np.intp)

    def __len__(self) -> int:
        return len(self.names)

    def places(self, names: Sequence[str]) -> Places:
        """[n] places of names; new ones get theirs."""
        try:
            return np.fromiter(map(self._place.__getitem__, names), np.intp, len(names))
        except KeyError:
            self._add([name for name in dict.fromkeys(names) if name not in self._place])
            return self.places(names)

    def find(self, name: str) -> int:
        """The place of a name, or -1."""
        return self._place.get(name, -1)

    def _add(self, names: Sequence[str]) -> None:
        quoted = [_encode(name) for name in names]
        begin, end = len(self.names), len(self.names) + len(names)
        width = max(self._quoted.shape[1], *map(len, quoted))
        if end > len(self._quoted) or width > self._quoted.shape[1]:
            rows, columns = max(end, 2 * len(self._quoted)) if end > len(self._quoted) else len(self._quoted), width
            more = rows - len(self._quoted), columns - self._quoted.shape[1]
            self._quoted = np.pad(self._quoted, ((0, more[0]), (0, more[1])), constant_values=ord(" "))
            self._width = np.pad(self._width, (0, more[0]))
        for place, raw in enumerate(quoted, begin):
            self._quoted[place, : len(raw)] = np.frombuffer(raw, np.uint8)
            self._width[place] = len(raw)
        self._place |= {name: place for place, name in enumerate(names, begin)}
        self.names += names

    def quoted(self, places: Places) -> Bytes | None:
        """[n, w]: the names as JSON strings, spaces behind the shorter ones; None where these would outweigh them."""
        widths = self._width[places]
        widest = int(widths.max(initial=0))
        if widest * len(places) > 2 * int(widths.sum()) + 1024:
            return None
        return self._quoted.take(places, axis=0)[:, :widest]  # whole rows are taken faster than parts of them


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
