"""Places of names straight from the JSON of a list of them, without a string for each.

Names of nodes are mostly of one length, and differ in a few of their characters. Those make a number, the number a slot
of a table, and the slot a place; then the list is put together again from these places and compared with what was sent.
Only a list that is equal, byte for byte, is answered, so that nothing but the very same names can pass.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

__all__ = ["NameTable"]

SLOTS_A_NAME: Final = 16
"""About one name in 16 shares its slot with another, and is looked up by itself."""

_KEY: Final = 8
"""Characters that make a number."""
_OWN: Final = -1
"""The slot of no name, or of several."""
_FACTORS: Final = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F], np.uint64)

Places = NDArray[np.intp]

_encode = msgspec.json.Encoder().encode


class NameTable:
    """The most common length of these names, which have the places 0 upward; names of other lengths are not found."""

    def __init__(self, names: Sequence[str]) -> None:
        self.size = len(names)
        quoted = [_encode(name) for name in names]
        plain = [len(raw) if len(raw) == len(name) + 2 else 0 for raw, name in zip(quoted, names, strict=True)]
        width = Counter(filter(None, plain)).most_common(1)[0][0] if any(plain) else 2
        mine = np.array([i for i, length in enumerate(plain) if length == width], np.intp)
        self._width = width + 1  # with the comma or the bracket behind it
        self._rows = np.full((len(names), self._width), ord(","), np.uint8)
        text = b"".join(quoted[i] for i in mine.tolist())
        self._rows[mine, :-1] = np.frombuffer(text, np.uint8).reshape(-1, width)
        self._columns = _telling(self._rows[mine])
        self._shift = np.uint64(64 - max(len(mine) * SLOTS_A_NAME - 1, 1).bit_length())
        self._factor, self._slots = self._arranged(self._keys(self._rows[mine]), mine)

    def _keys(self, rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
        """[n] numbers of rows [n, width]."""
        key = np.zeros((len(rows), _KEY), np.uint8)
        key[:, : len(self._columns)] = rows[:, self._columns]
        return key.view(np.uint64).ravel()

    def _arranged(self, keys: NDArray[np.uint64], mine: Places) -> tuple[np.uint64, Places]:
        """The factor by which the fewest names share a slot, and the places by slot."""
        size = 1 << (64 - int(self._shift))
        counted = [
            (factor, np.bincount((keys * factor >> self._shift).astype(np.intp), minlength=size)) for factor in _FACTORS
        ]
        best, names = max(counted, key=lambda pair: int(np.count_nonzero(pair[1])))
        found = np.full(size, _OWN, np.intp)
        found[(keys * best >> self._shift).astype(np.intp)] = mine
        found[names > 1] = _OWN
        return best, found

    def places(self, text: bytes, find: Callable[[str], int]) -> Places | None:
        """[n] places of the names in a JSON list as Go writes it; None where it holds anything else.

        `find` gives the place of a name, or -1.
        """
        count, rest = divmod(len(text) - 1, self._width)
        if rest or not count or not self.size or text[:1] != b"[":
            return None
        rows = np.frombuffer(text, np.uint8, offset=1).reshape(count, self._width)
        places = self._slots.take((self._keys(rows) * self._factor >> self._shift).astype(np.intp))
        for i in (places == _OWN).nonzero()[0].tolist():
            begin = 1 + i * self._width
            places[i] = find(text[begin + 1 : begin + self._width - 2].decode("utf-8", "replace"))
            if not 0 <= places[i] < self.size:
                return None
        said = self._rows.take(places, axis=0)
        said[-1, -1] = ord("]")
        return places if said.tobytes() == text[1:] else None


def _telling(rows: NDArray[np.uint8]) -> Places:
    """The columns, at most `_KEY`, by which rows differ, the most various ones."""
    kinds = np.array([np.count_nonzero(np.bincount(column)) for column in rows.T])
    most = np.argsort(kinds, kind="stable")[::-1][:_KEY]
    return np.sort(most[kinds[most] > 1])
