"""Which row of the arrays belongs to which path: an index by source and by target, with rows used again."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["RowTable"]


class RowTable:
    """Row numbers of (source, target), from `first` upward; freed numbers are given out again."""

    def __init__(self, first: int = 0) -> None:
        self._by_source: dict[str, dict[str, int]] = {}
        self._by_target: dict[str, dict[str, int]] = {}
        self._free: list[int] = []
        self.high = first - 1
        """The largest row number ever given out."""
        self._count = 0
        self._changes = 0
        self._changed: dict[str, int] = {}

    def __len__(self) -> int:
        return self._count

    def get(self, source: str, target: str, absent: int) -> int:
        """The row of one path."""
        return self._by_source.get(source, {}).get(target, absent)

    def ensure(self, source: str, target: str) -> int:
        """The row of one path, a new one if there is none."""
        line = self._by_source.setdefault(source, {})
        if (row := line.get(target)) is not None:
            return row
        if self._free:
            row = self._free.pop()
        else:
            row = self.high = self.high + 1
        line[target] = self._by_target.setdefault(target, {})[source] = row
        self._count += 1
        self._note(source, target)
        return row

    def version(self, node: str) -> int:
        """A number that changes whenever a path from or to the node gets a row or loses it; 0: it never had one."""
        return self._changed.get(node, 0)

    def _note(self, *nodes: str) -> None:
        self._changes += 1
        for node in nodes:
            self._changed[node] = self._changes

    def line(self, source: str, targets: Sequence[str], absent: int) -> NDArray[np.intp]:
        """Rows from one source to many targets."""
        known = self._by_source.get(source, {})
        return np.fromiter((known.get(t, absent) for t in targets), np.intp, len(targets))

    def column(self, target: str, sources: Sequence[str], absent: int) -> NDArray[np.intp]:
        """Rows from many sources to one target."""
        known = self._by_target.get(target, {})
        return np.fromiter((known.get(s, absent) for s in sources), np.intp, len(sources))

    def of_source(self, source: str) -> NDArray[np.intp]:
        """All rows of a source."""
        known = self._by_source.get(source, {})
        return np.fromiter(known.values(), np.intp, len(known))

    def targets_of(self, source: str) -> list[str]:
        """All targets of a source, in the order of `of_source`."""
        return list(self._by_source.get(source, ()))

    def of_target(self, target: str) -> NDArray[np.intp]:
        """All rows of a target."""
        known = self._by_target.get(target, {})
        return np.fromiter(known.values(), np.intp, len(known))

    def items(self, source: str | None = None) -> Iterator[tuple[str, str, int]]:
        """Every (source, target, row), or those of one source."""
        lines = self._by_source.items() if source is None else [(source, self._by_source.get(source, {}))]
        return ((s, t, row) for s, line in lines for t, row in line.items())

    def nodes(self) -> set[str]:
        """Every node that is a source or a target."""
        return {*self._by_source, *self._by_target}

    def release(self, source: str, targets: Sequence[str]) -> list[int]:
        """Free the rows of some paths of a source, which it must have, and return them."""
        line = self._by_source[source]
        rows = [line.pop(target) for target in targets]
        for target in targets:
            del self._by_target[target][source]
        self._free += rows
        self._count -= len(rows)
        self._note(source, *targets)
        return rows

    def remove(self, node: str) -> list[int]:
        """Free all rows from and to a node and return them."""
        gone = self._by_source.pop(node, {})
        rows = list(gone.values())
        for target in gone:
            self._by_target[target].pop(node, None)
        left = self._by_target.pop(node, {})
        for source, row in left.items():
            self._by_source[source].pop(node, None)
            rows.append(row)
        self._free += rows
        self._count -= len(rows)
        self._note(*gone, *left)
        self._changed.pop(node, None)
        return rows
