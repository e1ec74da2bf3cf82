"""Each node's pooled noise, recomputed when its report arrives, so that a decision only looks it up."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.windows import WindowStore
from scoring import noise
from scoring.context import CURVES

__all__ = ["NoiseTable"]

LINKS: Final = 256
"""Links of a node that are pooled at most: a distribution over that many no longer changes with more."""

UNKNOWN: Final = 0
"""The row of a node of which nothing is known, or nothing that says anything about now."""

_LONGEST: Final = noise.CURVE_SLOTS.index(noise.RECENT_SLOTS)


class NoiseTable:
    """The noise curves of every node's outgoing and incoming links, at most half an interval old."""

    def __init__(self, store: WindowStore) -> None:
        self._store = store
        self._row: dict[str, int] = {}
        self._free: list[int] = []
        self._at = np.full(64, -np.inf)
        self._curves = np.full((64, CURVES, noise.BINS), np.nan)

    @property
    def curves(self) -> NDArray[np.float64]:
        """[m, curves, bins] of all nodes, as `scoring.context.Context` wants them; `rows` says whose is whose."""
        return self._curves

    def refresh(self, node: str, now: float) -> None:
        """Pool the node's windows again, unless that was done a moment ago (bursts report every second)."""
        row = self._row.get(node)
        if row is None:
            row = self._row[node] = self._new_row()
        elif now - self._at[row] < self._store.interval_s / 2:
            return
        outgoing, incoming = self._store.rows_of(node)[:LINKS], self._store.rows_into(node)[:LINKS]
        self._curves[row] = np.concatenate([self._pooled(outgoing, now), self._pooled(incoming, now)])
        self._at[row] = now

    def _pooled(self, rows: NDArray[np.intp], now: float) -> NDArray[np.float64]:
        return noise.pooled_curves(self._store.windows(rows, now))

    def _new_row(self) -> int:
        if self._free:
            return self._free.pop()
        row = len(self._row) + 1
        if row >= len(self._at):
            self._at = np.concatenate([self._at, np.full(len(self._at), -np.inf)])
            self._curves = np.concatenate([self._curves, np.full_like(self._curves, np.nan)])
        return row

    def rows(self, nodes: Sequence[str], now: float, fresh_for_s: float) -> NDArray[np.intp]:
        """[n] rows of `curves`; `UNKNOWN` for a node whose noise is unknown or too old to say anything about now."""
        rows = np.fromiter((self._row.get(n, UNKNOWN) for n in nodes), np.intp, len(nodes))
        return np.where(now - self._at[rows] <= fresh_for_s + self._store.interval_s, rows, UNKNOWN)

    def of(self, nodes: Sequence[str], now: float, fresh_for_s: float) -> NDArray[np.float64]:
        """[n, bins] noise of each node's outgoing links; NaN where it is unknown."""
        found: NDArray[np.float64] = self._curves[self.rows(nodes, now, fresh_for_s), _LONGEST]
        return found

    def forget(self, node: str) -> None:
        """Drop a node that is gone."""
        row = self._row.pop(node, None)
        if row is not None:
            self._curves[row], self._at[row] = np.nan, -np.inf
            self._free.append(row)
