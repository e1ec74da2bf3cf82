"""Which of its neighbours a node measures itself: each pair of the overlay is measured by one end, while that works.

The end is the one behind, so that every node measures one neighbour on each circle. The other end looks at its pairs
now and then (a spot check), and where the two directions prove different, both ends measure.
"""

import math
from collections.abc import Callable, Mapping, Set
from typing import Final
from zlib import crc32

from extender.cluster.base import NodeInfo
from extender.probing.overlay import Overlay
from extender.probing.plan import Kind
from extender.probing.symmetry import Symmetry

__all__ = ["SPOT_CHECKED", "Pairs"]

SPOT_CHECKED: Final = 16
"""One in so many pairs is measured from its other end too, at any time."""

SPOT_CHECK_INTERVALS: Final = 30
"""How long a spot check lasts."""


class Pairs:
    """The pairs of a cluster; `members` have a prober, `mute` nodes only answer."""

    def __init__(self, rings: int, interval_s: float, symmetry: Symmetry | None, wall: Callable[[], float]) -> None:
        self._most, self._symmetry, self._wall = 2 * rings, symmetry, wall
        self._overlay, self._mute = Overlay(rings), Overlay(rings)
        self._turn_s = SPOT_CHECK_INTERVALS * interval_s
        self._judged: dict[str, int] = {}
        self._asymmetric: dict[str, frozenset[str]] = {}
        self._found: dict[str, tuple[dict[str, Kind], float]] = {}
        self._silent: frozenset[str] = frozenset()

    @property
    def silent(self) -> frozenset[str]:
        """Members whose prober has not reported for long: their neighbours measure in their place."""
        return self._silent

    def listen(self, silent: frozenset[str]) -> bool:
        """Take the silent members as they are now; returns whether that is a change."""
        if silent == self._silent:
            return False
        self._silent = silent
        self._found.clear()
        return True

    @property
    def asymmetric(self) -> int:
        """Pairs known to differ by direction."""
        return sum(map(len, self._asymmetric.values()))

    def __contains__(self, node: object) -> bool:
        return node in self._overlay.members

    def members(self) -> Set[str]:
        """The nodes that have neighbours."""
        return self._overlay.members

    def update(self, nodes: Mapping[str, NodeInfo]) -> bool:
        """Take the nodes as they are; one that is not ready is nobody's neighbour. Returns whether lists change."""
        changed = self._overlay.update(n for n, info in nodes.items() if info.ready and info.probed)
        changed |= self._mute.update(n for n, info in nodes.items() if info.ready and not info.probed)
        for gone in self._judged.keys() - self._overlay.members:
            del self._judged[gone]
            self._asymmetric.pop(gone, None)
        if changed:
            self._found.clear()
        return changed

    def of(self, node: str, now: float) -> tuple[dict[str, Kind], float]:
        """The neighbours that the node measures, and until when that holds (monotonic s)."""
        known = self._found.get(node)
        if known is None or now >= known[1]:
            known = self._found[node] = self._look(node, now)
        return known

    def _look(self, node: str, now: float) -> tuple[dict[str, Kind], float]:
        ahead, behind = self._overlay.around(node)
        if node not in self:  # nobody measures it, so it does so itself
            return dict.fromkeys([*ahead, *behind], Kind.NEIGHBOUR), math.inf
        twice = set(ahead).intersection(behind)  # on two circles, one way each
        found = {n: Kind.NEIGHBOUR for n in ahead if n not in twice or node < n}
        others = [n for n in behind if n not in found]
        turn, left_s = self._turn(node)
        asymmetric = self._judge(node, others, turn, now)
        for other in others:
            if other in self._silent:
                found[other] = Kind.NEIGHBOUR
            elif other in asymmetric:
                found[other] = Kind.ASYMMETRIC
            elif (crc32(f"{node}\0{other}".encode()) + turn) % SPOT_CHECKED == 0:
                found[other] = Kind.SPOT_CHECK
        for mute in self._overlay.followers(node, self._mute, self._most - len(found)):
            found[mute] = Kind.NEIGHBOUR
        return found, now + left_s

    def _turn(self, node: str) -> tuple[int, float]:
        """The number of the node's spot checks now, and the seconds that they go on; not all nodes turn at once."""
        wall = self._wall() + crc32(node.encode()) / 2**32 * self._turn_s
        turn = math.floor(wall / self._turn_s)
        return turn, (turn + 1) * self._turn_s - wall

    def _judge(self, node: str, others: list[str], turn: int, now: float) -> frozenset[str]:
        """Those behind this node whose path differs by direction: looked at once a turn, when a spot check ends."""
        known = self._asymmetric.get(node, frozenset())
        if self._symmetry is not None and self._judged.get(node) != turn:
            self._judged[node] = turn
            known = self._symmetry.asymmetric(node, others, known, now)
            if known:
                self._asymmetric[node] = known
            else:
                self._asymmetric.pop(node, None)
        return known
