"""What the lists hold, counted as they change: why each path is measured, and whether that brings samples."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from extender.probing.plan import Kind
from extender.windows import WindowStore

__all__ = ["Census"]

LOOK_S: Final = 60.0
"""Seconds between two looks at the samples of one node's list."""

_STATES: Final = ("fresh", "stale", "never")


@dataclass(slots=True)
class _Line:
    kinds: Mapping[Kind, int]
    looked: float
    heard: float
    states: tuple[int, ...] = field(default=(0, 0, 0))


class Census:
    """The lists by source; `store` tells of their samples, if there is one."""

    def __init__(self, store: WindowStore | None, fresh_for_s: float, silent_s: float) -> None:
        self._store, self._fresh_for_s, self._silent_s = store, fresh_for_s, silent_s
        self._lines: dict[str, _Line] = {}
        self._kinds: Counter[Kind] = Counter()

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

    def look(self, source: str, targets: Iterable[str], now: float) -> bool:
        """A source has reported: look at the samples of its list, unless that was done lately; returns whether."""
        line = self._lines.get(source)
        if line is None:
            return False
        line.heard = now
        if self._store is None or now - line.looked < LOOK_S:
            return False
        line.looked = now
        age_s = self._store.age_s(self._store.rows_from(source, list(targets)), now)
        fresh, never = int((age_s <= self._fresh_for_s).sum()), int(np.isinf(age_s).sum())
        line.states = (fresh, len(age_s) - fresh - never, never)
        return True

    def forget(self, source: str) -> None:
        """Drop a source that is gone."""
        if (line := self._lines.pop(source, None)) is not None:
            self._kinds.subtract(line.kinds)

    def by_kind(self) -> dict[str, int]:
        """Targets in all lists by why they are there."""
        return {kind.value: self._kinds[kind] for kind in Kind}

    def by_state(self, now: float) -> dict[str, int]:
        """Targets in all lists by whether samples come; of a prober that is silent none do."""
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
