"""Which of the nodes' paths to one peer have moved on since something was computed from them.

What is computed of each path on its own is kept in arrays over the nodes' places (`extender.candidates`). A path is
computed again when a sample came, when its window moves on by time alone, or when another direction speaks for it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from extender.candidates import NodeIndex, Places
from extender.windows import ABSENT, WindowStore

__all__ = ["Slack", "Tracked", "grown"]

_NOT_ASKED = -1

SLICE: Final = 128
"""Places that are computed at once ahead of the calls: about a millisecond's work."""


@dataclass
class Slack:
    """How old what is remembered may be, in seconds: above 0 while somebody keeps it up to date ahead of the calls."""

    seconds: float = 0.0


class _Look(NamedTuple):
    """What a look found: the places that have moved on by a time, and how far the store was."""

    at: float
    moved: Places
    writes: int
    paths_version: int


class Tracked:
    """Up to date for the places that `bring_up` was last asked for, and for all others that have not moved since.

    `compute(places, names, now)` stores what it is about, and returns the time [n] until which that holds if nothing
    comes. `fresh_for_s` is the age up to which a measurement speaks for its path.
    """

    def __init__(
        self,
        store: WindowStore,
        index: NodeIndex,
        peer: str,
        fresh_for_s: float,
        compute: Callable[[Places, Sequence[str], float], NDArray[np.float64]],
        slack: Slack,
    ) -> None:
        self._store, self._index, self.peer, self._fresh_for_s = store, index, peer, fresh_for_s
        self._compute, self._slack, self._looked = compute, slack, -np.inf
        self._current = np.zeros(0, dtype=bool)
        self._forward = np.zeros(0, np.intp)
        self._reverse = np.zeros(0, np.intp)
        self._by_forward = np.zeros(0, dtype=bool)
        self._versions = np.zeros((2, 0), np.int64)
        self._ends = np.zeros(0)
        self._writes = self._paths_version = _NOT_ASKED
        self._until = np.inf
        self.epoch = 0
        """Changes whenever something was computed anew."""

    def __len__(self) -> int:
        return len(self._current)

    def bring_up(self, places: Places, now: float) -> bool:
        """Compute what is missing or has moved on; returns whether anything was."""
        if len(self._current) < len(self._index):
            self._grow(len(self._index))
        if now - self._looked >= self._slack.seconds:
            self._drop(self._look(now))
        current = self._current[places]
        if np.count_nonzero(current) == len(places):
            return False
        self._bring_up(np.unique(places[~current]), now)
        return True

    def refreshing(self, now: float) -> Iterator[None]:
        """Compute what has moved on by now, a slice at each step; calls in between take what was known before."""
        look = self._look(now)
        for begin in range(0, len(look.moved), SLICE):
            self._bring_up(look.moved[begin : begin + SLICE], now)
            yield
        self._looked_at(look)  # only here: whoever gives up half-way has seen nothing

    def forget(self) -> None:
        """Have everything computed anew when it is asked for."""
        self._current[:] = False

    def _grow(self, size: int) -> None:
        self._current = grown(self._current, size)
        self._forward, self._reverse = grown(self._forward, size), grown(self._reverse, size)
        self._by_forward = grown(self._by_forward, size)
        self._versions = np.stack([grown(v, size) for v in self._versions])
        self._ends = grown(self._ends, size)

    def _look(self, now: float) -> "_Look":
        """Find those that have moved on."""
        writes, version = self._store.writes, self._store.paths_version(self.peer)
        if self._writes == writes and now < self._until:
            return _Look(now, np.zeros(0, np.intp), writes, version)
        kept = np.flatnonzero(self._current)
        forward, reverse = self._forward[kept], self._reverse[kept]
        moved = (self._ends[kept] <= now) | (self._store.version(forward) != self._versions[0, kept])
        moved |= self._store.version(reverse) != self._versions[1, kept]
        if self._paths_version != version:
            found = self._rows([self._index.names[place] for place in kept.tolist()])
            moved |= (found[0] != forward) | ((found[1] != reverse) & ~self._by_forward[kept])
        return _Look(now, kept[moved], writes, version)

    def _drop(self, look: "_Look") -> None:
        """Have those that have moved on computed when they are asked for."""
        self._current[look.moved] = False
        self._looked_at(look)

    def _looked_at(self, look: "_Look") -> None:
        self._looked, self._writes, self._paths_version = look.at, look.writes, look.paths_version
        self._until = float(self._ends[self._current].min(initial=np.inf))

    def _rows(self, names: Sequence[str]) -> tuple[Places, Places]:
        return self._store.rows_to(self.peer, names), self._store.rows_from(self.peer, names)

    def _bring_up(self, places: Places, now: float) -> None:
        names = [self._index.names[place] for place in places.tolist()]
        forward, reverse = self._rows(names)
        age_s = self._store.age_s(forward, now), self._store.age_s(reverse, now)
        fresh = age_s[0] <= self._fresh_for_s, age_s[1] <= self._fresh_for_s
        # The reverse measurement says nothing while the forward one is fresh, so it may move on.
        reverse = np.where(fresh[0], ABSENT, reverse)
        self._by_forward[places] = fresh[0]
        spoken = np.where(fresh[0], age_s[0], age_s[1])
        speaks = fresh[0] | fresh[1]
        expires = np.where(speaks, np.nextafter(now - spoken + self._fresh_for_s, np.inf), np.inf)
        self._forward[places], self._reverse[places] = forward, reverse
        self._versions[0, places] = self._store.version(forward)
        self._versions[1, places] = self._store.version(reverse)
        ends = np.minimum(expires, self._compute(places, names, now))
        self._ends[places] = ends
        self._current[places] = True
        self._until = min(self._until, float(ends.min()))
        self.epoch += 1


def grown(column: NDArray[Any], size: int) -> NDArray[Any]:
    """The column with so many entries, the new ones zero."""
    more = np.zeros((size, *column.shape[1:]), column.dtype)
    more[: len(column)] = column
    return more
