"""Estimates for paths that nobody measured, kept up to date in the background from those that are.

The event loop only copies samples, a few rows at a time; medians and the fit are made in a thread of their own, as a
forecast that a pod waits for should not wait for these.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from extender.metrics import Metrics
from extender.windows import WindowStore
from extender.worker import Worker
from neilats.log import get_logger
from scoring.coordinates import Pairs
from scoring.embedding import Embedding, embed, pairs_of
from scoring.paths import last_value
from scoring.quantile import finite_quantile

__all__ = ["Estimates", "Estimator"]

log = get_logger("extender.estimates")

SLICE_ROWS: Final = 512
"""Paths whose samples are copied at once: less than a millisecond."""

CPU_SHARE: Final = 0.03
"""Of one core that estimating may take: in a cluster of thousands of nodes the next fit begins after two or three
intervals, which coordinates that fade over minutes hardly show."""

MOST_PATHS: Final = 1_000_000
"""Paths that a fit uses at most, which bounds its memory; those of further sources are left out."""

Floats = NDArray[np.float64]
T = TypeVar("T")


class Estimator(Protocol):
    """Who has estimates."""

    @property
    def generation(self) -> int:
        """A number that changes whenever the estimates do."""
        ...

    def of(self, peer: str, names: Sequence[str]) -> tuple[Floats, Floats]:
        """[n] estimated round trips to the peer in ms, and standard deviations of their logarithms; NaN: none."""
        ...


@dataclass(frozen=True)
class _Line:
    """The paths of one source as they were when its rows were looked up last."""

    version: int
    source: int
    targets: NDArray[np.int32]
    rows: NDArray[np.intp]


_Part: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]
"""Sources and targets of some paths, and the medians and the last of their recent round trips, ms: many, so narrow."""


class Estimates:
    """Coordinates of all nodes that are measured with at least `needed` others; 0 turns estimates off.

    Nodes have numbers that stay theirs while they are in the store; `generation` grows with each fit. The worker is its
    own: `close` ends it.
    """

    def __init__(
        self,
        store: WindowStore,
        worker: Worker,
        metrics: Metrics,
        clock: Callable[[], float],
        needed: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store, self._worker, self._metrics, self._clock = store, worker, metrics, clock
        self._needed, self._sleep = needed, sleep
        self._number: dict[str, int] = {}
        self._free: list[int] = []
        self._unplaced: set[int] = set()
        self._lines: dict[str, _Line] = {}
        self._fit: Embedding | None = None
        self._spent_s = 0.0
        self.generation = 0

    async def run(self) -> None:
        """Once an interval, or less often where that takes long, for ever."""
        while True:
            await self._sleep(max(self._store.interval_s, self._spent_s / CPU_SHARE))
            self._spent_s = 0.0
            try:
                if self._needed:
                    await self.refresh()
            except Exception:
                log.exception("estimating failed; the last estimates stay")

    def close(self) -> None:
        """End the thread."""
        self._worker.close()

    def of(self, peer: str, names: Sequence[str]) -> tuple[Floats, Floats]:
        """[n] estimated round trips to the peer in ms, and standard deviations of their logarithms; NaN: none."""
        fit, number = self._fit, self._number
        if fit is None:
            return np.full(len(names), np.nan), np.full(len(names), np.nan)
        numbers = np.fromiter((number.get(name, -1) for name in names), np.int64, len(names))
        return fit.estimate(number.get(peer, -1), numbers)

    async def refresh(self) -> None:
        """Fit once more to what the store holds now."""
        self._forget()
        pairs = await self._timed(partial(_pairs, await self._measured()))
        nodes = max(self._number.values(), default=-1) + 1
        new = np.zeros(nodes, dtype=bool)
        new[list(self._unplaced)] = True
        pieces = embed(None if self._fit is None else self._fit.state, pairs, new, self._needed)
        # One piece after the other, so that the service's end waits for one at most.
        while (fit := await self._timed(partial(next, pieces))) is None:
            pass
        self._publish(fit)

    async def _timed(self, work: Callable[[], T]) -> T:
        """The result of a piece of work in the thread, whose time is counted."""
        found, seconds = await self._worker.run(partial(_timed, work))
        self._metrics.estimate_seconds.inc(seconds)
        self._spent_s += seconds
        return found

    def _publish(self, fit: Embedding) -> None:
        gone = [n for n in self._free if n < len(fit.usable)]
        fit.usable[gone] = False  # forgotten while the fit was made
        self._unplaced.difference_update(np.flatnonzero(fit.placed).tolist())
        self._unplaced.difference_update(gone)
        self._fit, self.generation = fit, self.generation + 1
        self._metrics.estimate_nodes.set(int(fit.usable.sum()) if fit.spread is not None else 0)
        self._metrics.estimate_error.set(fit.held_error)

    # -- the store -------------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        """Drop the nodes that the store has forgotten; their numbers are given out again."""
        known = self._store.nodes()
        gone = [n for n in self._number if n not in known]
        self.generation += bool(gone)
        for name in gone:
            number = self._number.pop(name)
            self._lines.pop(name, None)
            self._free.append(number)
            self._unplaced.discard(number)
            if self._fit is not None and number < len(self._fit.usable):
                self._fit.usable[number] = False

    def _numbered(self, name: str) -> int:
        number = self._number.get(name)
        if number is None:
            number = self._number[name] = self._free.pop() if self._free else len(self._number)
            self._unplaced.add(number)
        return number

    async def _measured(self) -> list[_Part]:
        """All paths, read a slice at a time."""
        self._store.flush()
        parts: list[_Part] = []
        waiting: list[_Line] = []
        total = read = 0
        for source in sorted(self._store.nodes()):
            waiting.append(self._line(source))
            total += len(waiting[-1].rows)
            if total - read >= SLICE_ROWS:
                parts.append(await self._read(waiting))
                waiting, read = [], total
            if total >= MOST_PATHS:
                log.warning("more paths than estimates are made of", extra={"paths": len(self._store)})
                break
        if waiting:
            parts.append(await self._read(waiting))
        return parts

    def _line(self, source: str) -> _Line:
        """A source's paths, looked up again only where some were added or dropped."""
        version, line = self._store.paths_version(source), self._lines.get(source)
        if line is None or line.version != version:
            targets, rows = self._store.paths_from(source)
            numbers = np.fromiter(map(self._numbered, targets), np.int32, len(targets))
            line = self._lines[source] = _Line(version, self._numbered(source), numbers, rows)
        return line

    async def _read(self, lines: Sequence[_Line]) -> _Part:
        rows = np.concatenate([line.rows for line in lines])
        source = np.repeat(np.array([line.source for line in lines], np.int32), [len(line.rows) for line in lines])
        target = np.concatenate([line.targets for line in lines])
        # What came since it began can be missed; to have that written for each slice would cost more than the slice.
        samples = self._store.recent(rows, self._clock(), self._store.slots * self._store.interval_s, flush=False)
        return source, target, *await self._timed(partial(_summary, samples))


def _summary(samples: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """[n] medians and last values of the pings that came back; NaN where none did."""
    last = last_value(np.where(np.isfinite(samples), samples, np.nan))
    return finite_quantile(samples, 0.5).astype(np.float32), last.astype(np.float32)


def _pairs(parts: Sequence[_Part]) -> Pairs:
    """The unordered pairs of what was read."""
    number, ms = np.zeros(0, np.int32), np.zeros(0, np.float32)
    return pairs_of(*(np.concatenate(column) for column in zip((number, number, ms, ms), *parts, strict=True)))


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result of a piece of work, and the processor's seconds that it took."""
    began = time.thread_time()
    found = work()
    return found, time.thread_time() - began
