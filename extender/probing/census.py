"""What the lists hold, counted as they change: why each path is measured, and whether that brings samples."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from extender.probing.plan import Kind
from extender.windows import WindowStore

__all__ = ["Census"]

LOOK_S: Final = 60.0
"""Seconds between two looks at the samples of one node's list."""

WAIT_S: Final = 1.0
"""A look waits so long at most for the samples to be written, which in a large cluster they are many times a second: to
have that done for each look would take longer than all looks."""

_STATES: Final = ("fresh", "stale", "never")


@dataclass(slots=True)
class _Line:
    kinds: Mapping[Kind, int]
    looked: float
    heard: float
    states: tuple[int, ...] = field(default=(0, 0, 0))


class _Due(NamedTuple):
    """A list whose samples are to be looked at, and since when."""

    targets: Sequence[str]
    at: float


class Census:
    """The lists by source; `store` tells of their samples, if there is one."""

    def __init__(self, store: WindowStore | None, fresh_for_s: float, silent_s: float) -> None:
        self._store, self._fresh_for_s, self._silent_s = store, fresh_for_s, silent_s
        self._lines: dict[str, _Line] = {}
        self._kinds: Counter[Kind] = Counter()
        self._due: dict[str, _Due] = {}
        self._flushes = 0
        self._looked: list[str] = []

    def listed(self, source: str, kinds: Collection[Kind], now: float) -> None:
        """A source has a new list, for these reasons."""
        known = self._lines.get(source)
        counts = Counter(kinds)
        if known is not None:
            self._kinds.subtract(known.kinds)
            known.kinds = counts
        else:
            self._lines[source] = _Line(counts, now, now)  # the first look comes when samples had time to come
        self._kinds.update(counts)

    def look(self, source: str, targets: Iterable[str], now: float) -> Sequence[str]:
        """A source has reported: look at the samples of its list some time, unless that was done lately.

        Returns the sources whose samples were looked at meanwhile.
        """
        line = self._lines.get(source)
        if line is not None:
            line.heard = now
        if self._due and self._store is not None:
            if now - next(iter(self._due.values())).at >= WAIT_S:
                self._store.flush()
            if self._flushes != self._store.flushes:
                self._settle(self._store)
        if line is not None and self._store is not None and now - line.looked >= LOOK_S:
            line.looked = now
            self._due[source], self._flushes = _Due(list(targets), now), self._store.flushes
        looked, self._looked = self._looked, []
        return looked

    def _settle(self, store: WindowStore) -> None:
        """Look at the samples of those that wait."""
        for source, (targets, at) in self._due.items():
            if (line := self._lines.get(source)) is not None:
                age_s = store.age_s(store.rows_from(source, targets), at, flush=False)
                fresh, never = int((age_s <= self._fresh_for_s).sum()), int(np.isinf(age_s).sum())
                line.states = (fresh, len(age_s) - fresh - never, never)
                self._looked.append(source)
        self._due.clear()

    def forget(self, source: str) -> None:
        """Drop a source that is gone."""
        if (line := self._lines.pop(source, None)) is not None:
            self._kinds.subtract(line.kinds)

    def by_kind(self) -> dict[str, int]:
        """Targets in all lists by why they are there."""
        return {kind.value: self._kinds[kind] for kind in Kind}

    def by_state(self, now: float) -> dict[str, int]:
        """Targets in all lists by whether samples come; of a prober that is silent none do."""
        if self._due and self._store is not None:
            self._store.flush()
            self._settle(self._store)
        states = [0, 0, 0]
        for line in self._lines.values():
            fresh, stale, never = line.states
            if now - line.heard > self._silent_s:
                fresh, stale = 0, fresh + stale
            states = [states[0] + fresh, states[1] + stale, states[2] + never]
        return dict(zip(_STATES, states, strict=True))

    def lengths(self) -> list[int]:
        """How long each list is."""
        return [sum(line.kinds.values()) for line in self._lines.values()]
