"""Each node's pooled noise as of its latest report, for decisions to look up.

A few nodes are recomputed together: that costs a fraction of one by one. Who looks has those recomputed that have
waited for a moment, which they do only in a small cluster, or of which nothing is known yet.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from extender.windows import WindowStore
from scoring import noise
from scoring.context import CURVES
from scoring.noise_batch import pooled_curves_by

__all__ = ["NoiseTable"]

LINKS: Final = 256
"""Links of a node that are pooled at most: a distribution over that many no longer changes with more."""

UNKNOWN: Final = 0
"""The row of a node of which nothing is known, or nothing that says anything about now."""

TOGETHER: Final = 8
"""Nodes that are recomputed together."""

MOST_DUE: Final = 2 * TOGETHER
"""Nodes that wait at most: their samples are written at once, and then some of them are recomputed with each report, so
that no report does all of that."""

MOST_ROWS: Final = 1024
"""Links in one pass, which takes about a millisecond."""

SLACK_S: Final = 1.0
"""What who looks may miss: the noise as of a report of this second. In a large cluster others report within it."""

_LONGEST: Final = noise.CURVE_SLOTS.index(noise.RECENT_SLOTS)


class _Due(NamedTuple):
    """A node that waits for its noise: when it reported, and the rows of its links."""

    node: str
    at: float
    outgoing: NDArray[np.intp]
    incoming: NDArray[np.intp]


class NoiseTable:
    """The noise curves of every node's outgoing and incoming links, at most half an interval older than its report.

    Single precision holds a share of ten thousand samples exactly enough, in half the memory.
    """

    def __init__(self, store: WindowStore) -> None:
        self._store = store
        self._row: dict[str, int] = {}
        self._free: list[int] = []
        self._at = np.full(64, -np.inf)
        self._curves = np.full((64, CURVES, noise.BINS), np.nan, np.float32)
        self._due: dict[str, float] = {}  # the time of the report, by node
        self._written = 0  # so many of those that wait longest have their samples in the store's columns

    @property
    def curves(self) -> NDArray[Any]:
        """[m, curves, bins] of all nodes, as `scoring.context.Context` wants them; `rows` says whose is whose."""
        return self._curves

    def reported(self, node: str, now: float) -> None:
        """Have the node's windows pooled again, unless that was done a moment ago (bursts report every second)."""
        row = self._row.get(node)
        if node not in self._due and (row is None or now - self._at[row] >= self._store.interval_s / 2):
            self._due[node] = now
        if self._written:
            part = next(self._parts(self._written))
            self._written -= len(part)
            self._pool(part, flush=False)
        elif len(self._due) >= MOST_DUE:
            self._store.flush()
            self._written = len(self._due)

    def refresh(self, node: str, now: float) -> None:
        """Pool the node's windows again now, unless that was done a moment ago."""
        self.reported(node, now)
        self._catch_up()

    def _catch_up(self) -> None:
        self._written = 0
        for part in self._parts():
            self._pool(part)

    def _parts(self, most: int = TOGETHER) -> Iterator[list[_Due]]:
        """The nodes that wait, `most` or as many at a time as one pass may take."""
        while self._due:
            part: list[_Due] = []
            rows = 0
            for node in list(islice(self._due, min(most, TOGETHER))):
                out, into = self._store.rows_of(node, LINKS), self._store.rows_into(node, LINKS)
                rows += len(out) + len(into)
                if part and rows > MOST_ROWS:
                    break
                part.append(_Due(node, self._due.pop(node), out, into))
            yield part

    def _pool(self, part: list[_Due], *, flush: bool = True) -> None:
        links = [rows for due in part for rows in (due.outgoing, due.incoming)]
        count = [len(rows) for rows in links]
        now = np.repeat(np.repeat([due.at for due in part], 2), count)
        windows = self._store.windows_as_of(np.concatenate(links), now, flush=flush)
        curves = pooled_curves_by(windows, np.repeat(np.arange(len(links)), count), len(links))
        rows = [self._row_of(due.node) for due in part]
        self._curves[rows] = curves.reshape(len(part), CURVES, noise.BINS)
        self._at[rows] = [due.at for due in part]

    def _row_of(self, node: str) -> int:
        if (row := self._row.get(node)) is None:
            row = self._row[node] = self._new_row()
        return row

    def _new_row(self) -> int:
        if self._free:
            return self._free.pop()
        row = len(self._row) + 1
        if row >= len(self._at):
            more = max(64, row // 8)
            self._at = np.concatenate([self._at, np.full(more, -np.inf)])
            self._curves = np.concatenate([self._curves, np.full((more, *self._curves.shape[1:]), np.nan, np.float32)])
        return row

    def rows(self, nodes: Sequence[str], now: float, fresh_for_s: float) -> NDArray[np.intp]:
        """[n] rows of `curves`; `UNKNOWN` for a node whose noise is unknown or too old to say anything about now."""
        if self._due and now - next(iter(self._due.values())) >= SLACK_S:
            self._catch_up()
        rows = self._rows(nodes)
        if self._due and not rows.all() and not self._due.keys().isdisjoint(nodes):
            self._catch_up()
            rows = self._rows(nodes)
        return np.where(now - self._at[rows] <= fresh_for_s + self._store.interval_s, rows, UNKNOWN)

    def _rows(self, nodes: Sequence[str]) -> NDArray[np.intp]:
        return np.fromiter((self._row.get(n, UNKNOWN) for n in nodes), np.intp, len(nodes))

    def of(self, nodes: Sequence[str], now: float, fresh_for_s: float) -> NDArray[np.float64]:
        """[n, bins] noise of each node's outgoing links; NaN where it is unknown."""
        rows = self.rows(nodes, now, fresh_for_s)  # first, as it may bring more nodes and with them other arrays
        found: NDArray[np.float64] = self._curves[rows, _LONGEST]
        return found

    def forget(self, node: str) -> None:
        """Drop a node that is gone."""
        if self._due.pop(node, None) is not None:
            self._written = max(0, self._written - 1)  # if it was none of these, one of them is written once more
        row = self._row.pop(node, None)
        if row is not None:
            self._curves[row], self._at[row] = np.nan, -np.inf
            self._free.append(row)
