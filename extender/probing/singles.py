"""Paths that one node alone shall measure: those that a pod waits for, and those that placed pods were promised."""

import math
from collections.abc import Callable, Iterable

__all__ = ["Singles"]


class Singles:
    """Targets by source, each until a time; a source keeps the `most` that were named last.

    `on_changed` hears of each source whose targets are no longer the same.
    """

    def __init__(self, most: int, on_changed: Callable[[str], None]) -> None:
        self._most, self._on_changed = most, on_changed
        self._until: dict[str, dict[str, float]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._until.values()))

    def name(self, source: str, target: str, now: float, for_s: float) -> None:
        """Have the source measure the target for so long from now on."""
        line = self._until.setdefault(source, {})
        if line.pop(target, -math.inf) <= now:
            self._on_changed(source)
            if len(line) >= self._most:
                del line[next(iter(line))]
        line[target] = now + for_s

    def of(self, source: str, now: float) -> dict[str, float]:
        """The source's targets, the last named first, each with the time until which it is one."""
        line = self._until.get(source)
        if line is None:
            return {}
        return {target: line[target] for target in reversed(line) if line[target] > now}

    def tidy(self, now: float) -> None:
        """Forget what is over."""
        for source in list(self._until):
            if left := {t: until for t, until in self._until[source].items() if until > now}:
                self._until[source] = left
            else:
                del self._until[source]

    def forget(self, sources: Iterable[str]) -> None:
        """Drop sources that are gone."""
        for source in sources:
            self._until.pop(source, None)
