"""Each node's pooled noise, recomputed when its report arrives, so that a decision only looks it up."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.windows import WindowStore
from scoring import noise

__all__ = ["NoiseTable"]

LINKS: Final = 256
"""Links of a node that are pooled at most: a distribution over that many no longer changes with more."""


class NoiseTable:
    """The noise of every source's own link (`scoring.noise`), at most half an interval old."""

    def __init__(self, store: WindowStore) -> None:
        self._store = store
        self._of: dict[str, NDArray[np.float64]] = {}
        self._at: dict[str, float] = {}
        self._none = noise.unknown(1)[0]

    def refresh(self, source: str, now: float) -> None:
        """Pool the source's windows again, unless that was done a moment ago (bursts report every second)."""
        if now - self._at.get(source, -np.inf) < self._store.interval_s / 2:
            return
        rows = self._store.rows_of(source)[:LINKS]
        self._of[source] = noise.pooled_excess(self._store.windows(rows, now)) if len(rows) else self._none
        self._at[source] = now

    def of(self, sources: Sequence[str], now: float, fresh_for_s: float) -> NDArray[np.float64]:
        """[n, bins] noise of each source; NaN where it is unknown or too old to say anything about now."""
        return np.array(
            [
                self._of[s]
                if s in self._of and now - self._at[s] <= fresh_for_s + self._store.interval_s
                else self._none
                for s in sources
            ]
        ).reshape(len(sources), noise.BINS)

    def forget(self, source: str) -> None:
        """Drop a node that is gone."""
        self._of.pop(source, None)
        self._at.pop(source, None)
