"""The peers that pods ask for: which of them every node measures now.

All while they are few. When there are more than places, those that were asked for last keep a fixed place, and the
others take turns in a part of the places, the one that has waited longest first. Only so many are kept that each gets
its turn while its windows still hold samples of the last one; beyond that the one asked for longest ago is forgotten.
"""

import math
from collections.abc import Callable, Container
from typing import Final

__all__ = ["HotPeers"]

_TURNING: Final = 3
"""One in so many places is for turns."""

PAUSE_S: Final = 1.0
"""Least time between two looks at who has a place, while no new peer is asked for."""


class HotPeers:
    """Peers by when they were last asked for; times are monotonic seconds, `wall` ones make replicas turn together."""

    def __init__(self, places: int, *, hot_for_s: float, turn_s: float, turns: int) -> None:
        self._places, self._hot_for_s, self._turn_s = places, hot_for_s, turn_s
        self._in_turn = max(1, places // _TURNING)
        self._most = places - self._in_turn + self._in_turn * max(1, turns)
        self._asked: dict[str, float] = {}  # in the order of the last asking
        self._since: dict[str, float] = {}  # of those that have a place: when they got it
        self._served: dict[str, float] = {}  # of the others: when they had one
        self._turn = 0
        self._next = self._due = self._gave = -math.inf
        self.fixed: tuple[str, ...] = ()
        """Those with a place of their own, the last asked first."""
        self.turning: tuple[str, ...] = ()
        """Those whose turn it is."""
        self.rotations = 0
        """Turns given so far."""
        self.on_evicted: Callable[[str], None] = lambda to: None
        """Hears of every peer that loses its fixed place: `rotation`, or of one that is `forgotten`."""

    def __len__(self) -> int:
        return len(self._asked)

    def __contains__(self, peer: object) -> bool:
        return peer in self._asked

    def since(self, peer: str) -> float:
        """When a peer got the place that it has; -inf without one."""
        return self._since.get(peer, -math.inf)

    def asked(self, peer: str, now: float) -> bool:
        """A pod asks for this peer; returns whether it has no place, and a `tick` may give it one."""
        new = self._asked.pop(peer, None) is None
        self._asked[peer] = now
        if peer in self._since:
            return False
        self._due = min(self._due, now if new else self._gave + PAUSE_S)
        return True

    def tick(self, now: float, wall: float, known: Container[str]) -> bool:
        """Give the places for now, to nodes that are known; returns whether they have changed."""
        if now < min(self._due, self._next):
            return False
        before = set(self._since)
        turn = math.floor(wall / self._turn_s)
        self._drop(now, known)
        self._give(now, over=turn != self._turn)
        self._turn, self._due, self._gave = turn, math.inf, now
        self._next = now + self._turn_s - wall % self._turn_s
        return before != self._since.keys()

    def again(self) -> None:
        """Look at all places at the next `tick`: nodes have gone."""
        self._due = -math.inf

    def _drop(self, now: float, known: Container[str]) -> None:
        for peer in [p for p, at in self._asked.items() if now - at > self._hot_for_s or p not in known]:
            del self._asked[peer]
        while len(self._asked) > self._most:
            del self._asked[next(iter(self._asked))]
            self.on_evicted("forgotten")

    def _give(self, now: float, *, over: bool) -> None:
        ranked = list(reversed(self._asked))
        fixed = ranked if len(ranked) <= self._places else self._lasting(ranked, now)
        rest = set(ranked).difference(fixed)
        for peer in rest.intersection(self.fixed):
            self._served[peer] = now
            self.on_evicted("rotation")
        self._served |= dict.fromkeys(self.turning, now)
        self._served = {p: self._served.get(p, -math.inf) for p in rest}
        turning = [] if over else [p for p in self.turning if p in rest]
        waiting = sorted(rest.difference(turning), key=lambda p: (self._served[p], p))
        next_ones = waiting[: self._in_turn - len(turning)]
        self.rotations += len(set(next_ones).difference(self.turning))
        self.fixed, self.turning = tuple(fixed), tuple(sorted([*turning, *next_ones]))
        self._since = {p: self._since.get(p, now) for p in (*self.fixed, *self.turning)}

    def _lasting(self, ranked: list[str], now: float) -> list[str]:
        """Who has fixed places: whoever got one keeps it for a turn, to have windows; then the last asked."""
        count = self._places - self._in_turn
        held = [p for p in ranked if p in self.fixed and now - self._since[p] < self._turn_s][:count]
        others = [p for p in ranked if p not in set(held)][: count - len(held)]
        kept = {*held, *others}
        return [p for p in ranked if p in kept]
