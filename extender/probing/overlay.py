"""Which nodes are neighbours: a few circles, on each of which every node has a place by the hash of its name.

A node's neighbours are the ones before and after it on each circle. Each circle alone connects all nodes, several
random ones together make an expander: the steps between any two nodes grow with the logarithm of their number (C. Law
and K.-Y. Siu, "Distributed construction of random expander networks", INFOCOM 2003). A node that comes or goes changes
the lists of its own neighbours only, and whoever knows the same names finds the same neighbours.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Set
from hashlib import blake2b
from itertools import islice
from struct import unpack
from typing import Final

__all__ = ["Overlay"]

Place = tuple[int, str]
"""Where a node is on a circle; the name decides between equal hashes."""

_IN_DIGEST: Final = 8
_FEW: Final = 64
"""So many nodes may come and go one by one; when more change at once, the circles are sorted anew."""


class Overlay:
    """Nodes on `rings` circles."""

    def __init__(self, rings: int) -> None:
        self._rings: list[list[Place]] = [[] for _ in range(rings)]
        self._members: frozenset[str] = frozenset()

    @property
    def members(self) -> Set[str]:
        """The nodes on the circles."""
        return self._members

    def update(self, members: Iterable[str]) -> bool:
        """Let these be the nodes; returns whether that is a change."""
        wanted = frozenset(members)
        gone, new = self._members - wanted, wanted - self._members
        if len(gone) + len(new) > _FEW:
            placed = [(name, self.places(name)) for name in wanted]
            self._rings = [sorted((at[i], name) for name, at in placed) for i in range(len(self._rings))]
        else:
            for name in gone:
                for ring, at in zip(self._rings, self.places(name), strict=True):
                    del ring[bisect_left(ring, (at, name))]
            for name in new:
                for ring, at in zip(self._rings, self.places(name), strict=True):
                    insort(ring, (at, name))
        self._members = wanted
        return bool(gone or new)

    def places(self, name: str) -> tuple[int, ...]:
        """Where a name belongs on each circle, whether it is there or not."""
        found: list[int] = []
        for part in range(0, len(self._rings), _IN_DIGEST):
            digest = blake2b(name.encode(), digest_size=8 * _IN_DIGEST, salt=part.to_bytes(2)).digest()
            found += unpack(f">{_IN_DIGEST}Q", digest)
        return tuple(found[: len(self._rings)])

    def around(self, name: str) -> tuple[list[str], list[str]]:
        """The nodes ahead of this one and those behind it, one for each circle, each once.

        Of a name that is not there, the nodes around its place.
        """
        ahead: dict[str, None] = {}
        behind: dict[str, None] = {}
        for ring, at in zip(self._rings, self.places(name), strict=True):
            if ring:
                i = bisect_left(ring, (at, name))
                behind[ring[i - 1][1]] = None
                i += i < len(ring) and ring[i][1] == name
                ahead[ring[i % len(ring)][1]] = None
        ahead.pop(name, None)
        behind.pop(name, None)
        return list(ahead), list(behind)

    def followers(self, name: str, others: "Overlay", most: int) -> list[str]:
        """Those of another overlay that have this member as the first one behind their place, at most so many."""
        found: dict[str, None] = {}
        if not others.members:
            return []
        for i, at in enumerate(self.places(name)):
            until = self._rings[i][bisect_right(self._rings[i], (at, name)) % len(self._rings[i])]
            found.update(dict.fromkeys(_between(others._rings[i], (at, name), until)))
        return list(islice(found, most))


def _between(ring: list[Place], start: Place, end: Place) -> Iterator[str]:
    """The names on a circle after one place and before another, which may lie on the next round."""
    first, last = bisect_right(ring, start), bisect_left(ring, end)
    indices = range(first, last) if start < end else (*range(first, len(ring)), *range(last))
    return (ring[i][1] for i in indices)
