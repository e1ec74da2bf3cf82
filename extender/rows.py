"""Which row of the arrays belongs to which path: an index by source and by target, with rows used again."""

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import islice
from sys import intern

import numpy as np
from numpy.typing import NDArray

__all__ = ["RowTable"]

Rows = NDArray[np.intp]


class RowTable:
    """Row numbers of (source, target), from `first` upward; freed numbers are given out again, the lowest first."""

    def __init__(self, first: int = 0) -> None:
        self._by_source: dict[str, dict[str, int]] = {}
        self._by_target: dict[str, dict[str, int]] = {}
        self._first = first
        self._free: list[int] = []  # a heap
        self._used = bytearray(first)  # by row
        self.high = first - 1
        """The largest row number that is in use, or was until lately."""
        self._count = 0
        self._changes = 0
        self._changed: dict[str, int] = {}

    def __len__(self) -> int:
        return self._count

    def get(self, source: str, target: str, absent: int) -> int:
        """The row of one path."""
        return self._by_source.get(source, {}).get(target, absent)

    def ensure(self, source: str, targets: Sequence[str]) -> Rows:
        """The rows of a source's paths, new ones where there is none."""
        try:
            line = self._by_source[source]
            return np.fromiter(map(line.__getitem__, targets), np.intp, len(targets))
        except KeyError:
            return np.fromiter((self._ensure(intern(source), intern(t)) for t in targets), np.intp, len(targets))

    def _ensure(self, source: str, target: str) -> int:
        line = self._by_source.setdefault(source, {})
        if (row := line.get(target)) is not None:
            return row
        row = self._new()
        line[target] = self._by_target.setdefault(target, {})[source] = row
        self._count += 1
        self._note(source, target)
        return row

    def _new(self) -> int:
        if self._free:
            row = heappop(self._free)
            self._used[row] = 1
        else:
            row = len(self._used)
            self._used.append(1)
        self.high = max(self.high, row)
        return row

    def _release(self, rows: Iterable[int]) -> None:
        for row in rows:
            self._used[row] = 0
            heappush(self._free, row)

    def version(self, node: str) -> int:
        """A number that changes whenever a path from or to the node gets another row or none; 0: it never had one."""
        return self._changed.get(node, 0)

    def _note(self, *nodes: str) -> None:
        self._changes += 1
        for node in nodes:
            self._changed[node] = self._changes

    def line(self, source: str, targets: Sequence[str], absent: int) -> Rows:
        """Rows from one source to many targets."""
        known = self._by_source.get(source, {})
        return np.fromiter((known.get(t, absent) for t in targets), np.intp, len(targets))

    def column(self, target: str, sources: Sequence[str], absent: int) -> Rows:
        """Rows from many sources to one target."""
        known = self._by_target.get(target, {})
        return np.fromiter((known.get(s, absent) for s in sources), np.intp, len(sources))

    def of_source(self, source: str, most: int | None = None) -> Rows:
        """All rows of a source, or the first `most`."""
        return np.fromiter(islice(self._by_source.get(source, {}).values(), most), np.intp)

    def targets_of(self, source: str) -> list[str]:
        """All targets of a source, in the order of `of_source`."""
        return list(self._by_source.get(source, ()))

    def of_target(self, target: str, most: int | None = None) -> Rows:
        """All rows of a target, or the first `most`."""
        return np.fromiter(islice(self._by_target.get(target, {}).values(), most), np.intp)

    def items(self, source: str | None = None, target: str | None = None) -> Iterator[tuple[str, str, int]]:
        """Every (source, target, row), or those of one source, of one target or of both."""
        if source is None and target is not None:
            return ((s, target, row) for s, row in self._by_target.get(target, {}).items())
        lines = self._by_source.items() if source is None else [(source, self._by_source.get(source, {}))]
        return ((s, t, row) for s, line in lines for t, row in line.items() if target in (None, t))

    def nodes(self) -> set[str]:
        """Every node that is a source or a target."""
        return {*self._by_source, *self._by_target}

    def release(self, source: str, targets: Sequence[str]) -> Rows:
        """Free the rows of some paths of a source, which it must have, and return them."""
        line = self._by_source[source]
        rows = [line[target] for target in targets]
        for target in targets:
            self._drop(self._by_source, source, target)
            self._drop(self._by_target, target, source)
        self._release(rows)
        self._count -= len(rows)
        self._note(source, *targets)
        return np.array(rows, np.intp)

    def sources(self) -> list[str]:
        """Every node that is a source."""
        return list(self._by_source)

    def remove(self, node: str) -> list[int]:
        """Free all rows from and to a node and return them."""
        gone = self._by_source.pop(node, {})
        rows = list(gone.values())
        for target in gone:
            self._drop(self._by_target, target, node)
        left = self._by_target.pop(node, {})
        for source, row in left.items():
            self._drop(self._by_source, source, node)
            rows.append(row)
        self._release(rows)
        self._count -= len(rows)
        self._note(*gone, *left)
        for name in (node, *gone, *left):
            if name not in self._by_source and name not in self._by_target:
                self._changed.pop(name, None)
        return rows

    @staticmethod
    def _drop(index: dict[str, dict[str, int]], node: str, other: str) -> None:
        """Take one path out of an index, with the node's entry where it was the last."""
        index[node].pop(other)
        if not index[node]:
            del index[node]

    def lowered(self, source: str, limit: int, most: int) -> tuple[Rows, Rows]:
        """Give some rows of a source above the limit lower numbers, where there are free ones: which, and to what.

        The old numbers are free afterwards.
        """
        line = self._by_source.get(source, {})
        rows, to = [], []
        for target in list(islice((t for t, row in line.items() if row > limit), most)):
            if not self._free or self._free[0] > limit:
                break
            rows.append(line[target])
            to.append(self._new())
            line[target] = self._by_target[target][source] = to[-1]
            self._note(source, target)
        self._release(rows)
        return np.array(rows, np.intp), np.array(to, np.intp)

    def trim(self) -> None:
        """Note the largest number that is in use now."""
        self.high = max(self._used.rfind(1), self._first - 1)
