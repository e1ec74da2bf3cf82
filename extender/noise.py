"""Each node's pooled noise as of its latest report, for decisions to look up.

A few nodes are recomputed together: that costs a fraction of one by one. In a large cluster only the nodes that
somebody asks about are pooled with each report; the others now and then, so that whoever asks first has something that
says what is usual, and has it brought up to date by that.
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

TOGETHER: Final = 4
"""Nodes that are recomputed together, in less than a millisecond."""

MOST_DUE: Final = 4 * TOGETHER
"""Nodes that wait at most: their samples are written at once, and then some of them are recomputed with each report, so
that no report does all of that."""

MOST_ROWS: Final = 512
"""Links in one pass."""

SLACK_S: Final = 1.0
"""What who looks may miss: the noise as of a report of this second. In a large cluster others report within it."""

FEW: Final = 256
"""So many nodes are all pooled with each report, whether anybody asks or not: that takes a few percent of a core."""

ASKED_S: Final = 60.0
"""A node is pooled with each report while somebody has asked about it within this time."""

UNASKED_INTERVALS: Final = 2
"""Between two times that a node is pooled about which nobody asks: in intervals, so that its noise never is too old."""

_LONGEST: Final = noise.CURVE_SLOTS.index(noise.RECENT_SLOTS)


class _Due(NamedTuple):
    """A node that waits for its noise: when it reported, and the rows of its links."""

    node: str
    at: float
    outgoing: NDArray[np.intp]
    incoming: NDArray[np.intp]


class NoiseTable:
    """The noise curves of every node's outgoing and incoming links.

    Of a node that was asked about within the last minute they are at most half an interval older than its report, and
    so are those of all nodes where there are few. Of others they are up to `UNASKED_INTERVALS` older; who asks about a
    handful of these has them pooled at once, and who asks about many has that done with the reports that follow, some
    seconds at most.

    Single precision holds a share of ten thousand samples exactly enough, in half the memory.
    """

    def __init__(self, store: WindowStore) -> None:
        self._store = store
        self._row: dict[str, int] = {}
        self._node: list[str] = [""]  # by row
        self._free: list[int] = []
        self._at = np.full(64, -np.inf)  # by row: the time of the report as of which it was pooled
        self._reported = np.full(64, -np.inf)
        self._asked = np.full(64, -np.inf)
        self._curves = np.full((64, CURVES, noise.BINS), np.nan, np.float32)
        self._due: dict[str, float] = {}  # the time of the report, by node
        self._written = 0  # so many of those that wait longest have their samples in the store's columns
        self._flushes = store.flushes
        self._behind: dict[str, float] = {}  # as `_due`: all that they reported is written

    @property
    def curves(self) -> NDArray[Any]:
        """[m, curves, bins] of all nodes, as `scoring.context.Context` wants them; `rows` says whose is whose."""
        return self._curves

    # -- pooling ---------------------------------------------------------------------------------------------------

    def reported(self, node: str, now: float) -> None:
        """Have the node's windows pooled again, unless that was done a moment ago (bursts report every second)."""
        if self._flushes != self._store.flushes:
            self._flushes, self._written = self._store.flushes, len(self._due)
        row = self._row_of(node)
        self._reported[row] = now
        if node not in self._due and self._wants(row, now):
            self._due[node] = now
            self._behind.pop(node, None)
        if self._written:
            part = next(self._parts(self._due, self._written))
            self._written -= len(part)
            self._pool(part, flush=False)
        elif len(self._due) >= MOST_DUE:
            self._store.flush()
        elif self._behind:
            self._pool(next(self._parts(self._behind)), flush=False)

    def _wants(self, row: int, now: float) -> bool:
        age_s, interval_s = now - self._at[row], self._store.interval_s
        asked = len(self._row) <= FEW or now - self._asked[row] <= ASKED_S
        return bool(age_s >= (interval_s / 2 if asked else UNASKED_INTERVALS * interval_s))

    def refresh(self, node: str, now: float) -> None:
        """Pool the node's windows again now, unless that was done a moment ago."""
        row = self._row_of(node)  # first, as it may bring other arrays
        self._asked[row] = now
        self.reported(node, now)
        self._catch_up()

    def _catch_up(self) -> None:
        self._written = 0
        for part in self._parts(self._due):
            self._pool(part)

    def _parts(self, waiting: dict[str, float], most: int = TOGETHER) -> Iterator[list[_Due]]:
        """The nodes that wait, `most` or as many at a time as one pass may take."""
        while waiting:
            part: list[_Due] = []
            rows = 0
            for node in list(islice(waiting, min(most, TOGETHER))):
                out, into = self._store.rows_of(node, LINKS), self._store.rows_into(node, LINKS)
                rows += len(out) + len(into)
                if part and rows > MOST_ROWS:
                    break
                part.append(_Due(node, waiting.pop(node), out, into))
            yield part

    def _pool(self, part: list[_Due], *, flush: bool = True) -> None:
        links = [rows for due in part for rows in (due.outgoing, due.incoming)]
        count = [len(rows) for rows in links]
        now = np.repeat(np.repeat([due.at for due in part], 2), count)
        windows = self._store.windows_as_of(np.concatenate(links), now, flush=flush)
        curves = pooled_curves_by(windows, np.repeat(np.arange(len(links)), count), len(links))
        rows = [self._row[due.node] for due in part]
        self._curves[rows] = curves.reshape(len(part), CURVES, noise.BINS)
        self._at[rows] = [due.at for due in part]

    # -- rows ------------------------------------------------------------------------------------------------------

    def _row_of(self, node: str) -> int:
        if (row := self._row.get(node)) is None:
            row = self._row[node] = self._new_row(node)
        return row

    def _new_row(self, node: str) -> int:
        if self._free:
            row = self._free.pop()
            self._node[row] = node
            return row
        row = len(self._node)
        self._node.append(node)
        if row >= len(self._at):
            more = max(64, row // 8)
            never = np.full(more, -np.inf)
            self._at, self._reported, self._asked = (
                np.concatenate([column, never]) for column in (self._at, self._reported, self._asked)
            )
            self._curves = np.concatenate([self._curves, np.full((more, *self._curves.shape[1:]), np.nan, np.float32)])
        return row

    def rows(self, nodes: Sequence[str], now: float, fresh_for_s: float) -> NDArray[np.intp]:
        """[n] rows of `curves`; `UNKNOWN` for a node whose noise is unknown or too old to say anything about now."""
        if self._due and now - next(iter(self._due.values())) >= SLACK_S:
            self._catch_up()
        rows = np.fromiter((self._row.get(n, UNKNOWN) for n in nodes), np.intp, len(nodes))
        if self._due and (self._at[rows] == -np.inf).any() and not self._due.keys().isdisjoint(nodes):
            self._catch_up()
        self._ask(rows, now)
        return np.where(now - self._at[rows] <= fresh_for_s + self._store.interval_s, rows, UNKNOWN)

    def _ask(self, rows: NDArray[np.intp], now: float) -> None:
        """Somebody asks about these: have those pooled that were not because nobody did."""
        self._asked[rows] = now
        if len(self._row) <= FEW:
            return
        late = rows[self._reported[rows] > self._at[rows] + self._store.interval_s / 2].tolist()
        named = {self._node[row]: float(self._reported[row]) for row in late if self._node[row] not in self._due}
        if not named.keys() <= self._behind.keys():
            self._store.flush()
            self._behind.update(named)
        if len(named) <= TOGETHER:
            for part in self._parts({node: self._behind.pop(node) for node in named}):
                self._pool(part, flush=False)

    def of(self, nodes: Sequence[str], now: float, fresh_for_s: float) -> NDArray[np.float64]:
        """[n, bins] noise of each node's outgoing links; NaN where it is unknown."""
        rows = self.rows(nodes, now, fresh_for_s)
        found: NDArray[np.float64] = self._curves[rows, _LONGEST]
        return found

    def forget(self, node: str) -> None:
        """Drop a node that is gone."""
        if self._due.pop(node, None) is not None:
            self._written = max(0, self._written - 1)  # if it was none of these, one of them is written once more
        self._behind.pop(node, None)
        row = self._row.pop(node, None)
        if row is not None:
            self._curves[row] = np.nan
            self._at[row] = self._reported[row] = self._asked[row] = -np.inf
            self._free.append(row)
