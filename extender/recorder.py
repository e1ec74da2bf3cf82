"""Records what is ingested: to rotating segments, and to whoever listens at `GET /v1/recording`.

Ingest hands over each report's samples; a background task makes a block of them every few seconds, in a thread. What
cannot be kept (a full disk, a slow listener, a flood) is dropped and counted; it never holds up or ends the service.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np
from aiohttp import web
from numpy.typing import NDArray

from extender.errors import NotReady
from extender.ingest import Samples
from extender.metrics import Metrics
from extender.recording import MOST_NODES, Block, encode_block
from extender.segments import SegmentWriter
from neilats.log import get_logger

__all__ = ["Recorder"]

log = get_logger("extender.recorder")

PERIOD_S: Final = 5.0
MOST_PENDING: Final = 500_000
"""Samples that wait for the next block at most."""

MOST_LISTENERS: Final = 4
MOST_WAITING: Final = 24
"""Blocks that wait for one listener: two minutes of a slow connection."""

HEARTBEAT_S: Final = 15.0

SAME_S: Final = 0.2
SAME: Final = 0.05
"""Within so many seconds, and so large a part of the interval, two samples of a path are one that was sent again in a
whole ring: reports differ in how long they travel. The samples of a burst are farther apart."""

Listener = asyncio.Queue[bytes | None]


@dataclass(frozen=True)
class _Taken:
    """One report's samples; `place` is each sample's target."""

    source: str
    targets: Sequence[str]
    place: NDArray[np.intp]
    at_s: NDArray[np.float64]
    rtt_ms: NDArray[np.float64]


class Recorder:
    """Keeps samples while there is a folder or a listener; `clock` is the store's, `now_s` the time of day."""

    def __init__(
        self, folder: str, most_bytes: int, interval_s: float, metrics: Metrics, clock: Callable[[], float],
        now_s: Callable[[], float],
    ) -> None:  # fmt: skip
        self._writer = SegmentWriter(Path(folder), most_bytes, now_s) if folder else None
        self._interval_s, self._metrics, self._clock, self._now_s = interval_s, metrics, clock, now_s
        self._taken: list[_Taken] = []
        self._pending = 0
        self._latest: NDArray[np.float64] = np.full(0, -np.inf)
        self._listeners: set[Listener] = set()
        self._failing = False
        self._writing = Lock()  # a cancelled flush goes on in its thread while the last one begins

    @property
    def active(self) -> bool:
        """Whether anybody wants the samples."""
        return self._writer is not None or bool(self._listeners)

    def observe(self, source: str, targets: Sequence[str], rows: NDArray[np.intp], samples: Samples) -> None:
        """Take a report's samples: each one's target (index), time (s, of the clock) and RTT (ms), and the rows of the
        targets in the store."""
        place, at_s, rtt_ms = samples
        if not len(place) or not self.active:
            return
        new = self._unseen(rows, rows[place], at_s)
        count = int(new.sum())
        if self._pending + count > MOST_PENDING:
            self._drop(count)
            return
        wall = at_s[new] + (self._now_s() - self._clock())
        self._taken.append(_Taken(source, targets, place[new], wall, rtt_ms[new]))
        self._pending += count

    def _unseen(self, rows: NDArray[np.intp], row: NDArray[np.intp], at_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which samples are later than all before of their path: a resync sends again what was recorded."""
        if len(rows) and rows.max() >= len(self._latest):
            more = np.full(2 * int(rows.max()) + 1 - len(self._latest), -np.inf)
            self._latest = np.concatenate([self._latest, more])
        new: NDArray[np.bool_] = at_s > self._latest[row] + min(SAME_S, SAME * self._interval_s)
        np.maximum.at(self._latest, row[new], at_s[new])
        return new

    def _drop(self, samples: int) -> None:
        self._metrics.recorder_dropped.inc(samples)

    # -- the background ------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Make a block every few seconds, for ever; the last one when cancelled."""
        try:
            while True:
                await asyncio.sleep(PERIOD_S)
                await self.flush()
        finally:
            taken, _ = self._take()
            for block in _blocks(taken, self._interval_s):
                self._store(block)
            if self._writer is not None:
                with self._writing:
                    self._writer.close()

    async def flush(self) -> None:
        """Write what is pending, and hand it to the listeners."""
        taken, count = self._take()
        if not taken:
            return
        try:
            for block in await asyncio.to_thread(_blocks, taken, self._interval_s):
                await asyncio.to_thread(self._store, block)
                self._publish(block)
        except Exception:
            log.exception("a block could not be made")
            self._drop(count)

    def _take(self) -> tuple[list[_Taken], int]:
        taken, count = self._taken, self._pending
        self._taken, self._pending = [], 0
        return taken, count

    def _store(self, block: "_Encoded") -> None:
        if self._writer is None:
            return
        try:
            with self._writing:
                self._writer.write(block.data)
        except OSError as e:
            self._drop(block.samples)
            if not self._failing:
                log.error("recording fails; samples are dropped until it works again", extra={"why": e})
            self._failing = True
        else:
            if self._failing:
                log.info("recording works again")
            self._failing = False

    # -- listeners -----------------------------------------------------------------------------------------------

    def routes(self) -> list[web.RouteDef]:
        """The one route."""
        return [web.get("/v1/recording", self.stream)]

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Blocks as they are made, until the client goes or the service stops."""
        if len(self._listeners) >= MOST_LISTENERS:
            raise NotReady(f"{MOST_LISTENERS} recordings are being taken already; end one of them first")
        waiting: Listener = asyncio.Queue(MOST_WAITING)
        self._listeners.add(waiting)
        try:
            response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
            await response.prepare(request)
            while (block := await self._next(waiting)) is not None:
                await response.write(block)
            await response.write_eof()
        except ConnectionResetError:
            pass  # the usual way for a client to end it
        finally:
            self._listeners.discard(waiting)
        return response

    async def _next(self, waiting: Listener) -> bytes | None:
        """The next block, or an empty one now and then: either side learns that the other has gone."""
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                return await waiting.get()
        except TimeoutError:
            return encode_block(Block.empty(self._interval_s))

    def _publish(self, block: "_Encoded") -> None:
        for waiting in self._listeners:
            try:
                waiting.put_nowait(block.data)
            except asyncio.QueueFull:
                self._drop(block.samples)

    async def end_streams(self, app: web.Application) -> None:
        """Let the listeners go when the service stops."""
        for waiting in self._listeners:
            while waiting.full():
                waiting.get_nowait()
            waiting.put_nowait(None)


@dataclass(frozen=True)
class _Encoded:
    data: bytes
    samples: int


def _blocks(taken: Sequence[_Taken], interval_s: float) -> list[_Encoded]:
    """The samples of many reports as one block; as several where the cluster has more names than a block."""
    names: dict[str, int] = {}
    blocks: list[_Encoded] = []
    parts: list[_Taken] = []
    for report in taken:
        if len(names) + len(report.targets) + 1 > MOST_NODES:
            blocks.append(_block(parts, names, interval_s))
            names, parts = {}, []
        for name in (report.source, *report.targets):
            names.setdefault(name, len(names))
        parts.append(report)
    return [*blocks, _block(parts, names, interval_s)] if parts else blocks


def _block(parts: Sequence[_Taken], names: Mapping[str, int], interval_s: float) -> _Encoded:
    targets = [np.array([names[t] for t in p.targets], np.uint16)[p.place] for p in parts]
    block = Block(
        at_s=np.concatenate([p.at_s for p in parts]),
        source=np.concatenate([np.full(len(p.at_s), names[p.source], np.uint16) for p in parts]),
        target=np.concatenate(targets),
        rtt_ms=np.concatenate([p.rtt_ms for p in parts]).astype(np.float32),
        nodes=list(names),
        interval_s=interval_s,
    )
    return _Encoded(encode_block(block), len(block.at_s))
