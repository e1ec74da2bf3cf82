"""Writes events to the API server: queued, limited for each pod and in all, and aggregated by pod and reason.

Whoever tells something only puts it into a queue. An event that cannot be written is tried a few times, counted and
given up: events are for people, and nothing waits for them.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Literal

import msgspec

from extender.cluster.api import Api, ApiError, decoded
from extender.events.event import Event
from extender.events.limits import Buckets
from extender.events.line import Line
from extender.metrics import Metrics
from neilats.log import get_logger

__all__ = ["EventRecorder"]

log = get_logger("extender.events")

Outcome = Literal["sent", "aggregated"]

QUEUED: Final = 1000
POD_BURST, POD_REFILL_S = 5, 120.0
"""Events of a pod at once, and seconds until it may have another one."""

PACE_S: Final = 0.05
"""Between two writes: at most 20 a second."""

BURST, REFILL_S = 50, 0.25
"""Events that give way: so many are written at that pace, and from then on one in so many seconds. While thousands of
pods are placed, each event costs the API server time that kube-scheduler waits for."""

AT_ONCE: Final = 8
"""Writes at a time when the service ends: a second is enough for most of a full queue."""

KNOWN: Final = 5000
"""Events that are known to be stored; of others it is tried first to create them."""

PAUSES_S: Final = (1.0, 4.0)
"""Before the second and the third try, where the server has no time or is not there."""

COMPLAIN_S: Final = 60.0
"""Failures are logged at most so often."""

_BUSY: Final = (429, 500, 503, 504)


class _Stored(msgspec.Struct):
    count: int = 1


_read_stored = msgspec.json.Decoder(_Stored).decode


class EventRecorder:
    """`clock` is in monotonic seconds, `wall` in seconds since 1970; `instance` names this replica."""

    def __init__(
        self,
        api: Api,
        metrics: Metrics,
        clock: Callable[[], float],
        wall: Callable[[], float],
        instance: str,
        *,
        pace_s: float = PACE_S,
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        self._api, self._metrics, self._clock, self._wall, self._instance = api, metrics, clock, wall, instance
        self._pace_s, self._pauses_s = pace_s, pauses_s
        self._queue = Line(QUEUED)
        self._pods = Buckets(POD_BURST, POD_REFILL_S)
        self._giving_way = Buckets(BURST, REFILL_S)
        self._stored: OrderedDict[str, None] = OrderedDict()
        self._complained = -math.inf

    def tell(self, event: Event) -> None:
        """Have an event written soon, unless there are too many; a pod without uid cannot be shown any."""
        if not event.pod.uid or (event.once and event.name in self._stored):
            return
        if not self._queue.has_room(event) or not self._pods.take(event.pod.uid, self._clock()):
            self._count("dropped")
            return
        if self._queue.full():
            self._queue.make_way()
            self._count("dropped")
        self._queue.put_nowait(event.composed())

    async def run(self) -> None:
        """Write what was told, one after the other, for ever."""
        while True:
            event = await self._queue.get()
            await self._write_queued(event)
            await asyncio.sleep(self._pause_s(event))

    def _pause_s(self, event: Event) -> float:
        """The pause after an event."""
        slowly = event.gives_way and not self._giving_way.take("", self._clock())
        return max(self._pace_s, REFILL_S) if slowly else self._pace_s

    async def drain(self) -> None:
        """Write what is waiting, and return."""
        while not self._queue.empty():
            await self._write_queued(self._queue.get_nowait())

    async def finish(self, limit_s: float) -> None:
        """Write what is waiting, several at a time and without the pace of `run`; what takes too long is dropped."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await asyncio.gather(*(self.drain() for _ in range(AT_ONCE)))
                await self._queue.join()  # what `run` has begun
        while not self._queue.empty():
            self._queue.get_nowait()
            self._queue.task_done()
            self._count("dropped")

    async def _write_queued(self, event: Event) -> None:
        """Write one event out of the queue; where that is cut off, it counts as dropped."""
        try:
            await self.write(event)
        except asyncio.CancelledError:
            self._count("dropped")
            raise
        finally:
            self._queue.task_done()

    async def write(self, event: Event) -> None:
        """Write one event, in a few tries at most; never raises."""
        for pause in (*self._pauses_s, None):
            try:
                self._count(await self._send(event))
                return
            except ApiError as e:
                if pause is None or not _may_pass(e):
                    self._failed(event, str(e))
                    return
                await asyncio.sleep(pause)
            except Exception as e:
                self._failed(event, repr(e))
                return

    async def _send(self, event: Event) -> Outcome:
        """Create the object, or count on in the one that is there; ApiError where neither works."""
        if event.name not in self._stored and await self._created(event):
            return "sent"
        self._remember(event)
        if event.once:
            return "aggregated"
        try:
            await self._count_on(event)
        except ApiError as e:
            if e.status == 404 and await self._created(event):  # the server forgets events after an hour
                return "sent"
            raise
        return "aggregated"

    async def _created(self, event: Event) -> bool:
        """Create the object; False where it is there already."""
        try:
            await self._api.post(event.path, event.body(self._wall(), self._instance))
        except ApiError as e:
            if e.status == 409:
                return False
            raise
        self._remember(event)
        return True

    async def _count_on(self, event: Event) -> None:
        """Raise the stored count: other replicas raise it too, so that none of them can know it."""
        path = f"{event.path}/{event.name}"
        stored = await self._api.get(path, {})
        try:
            count = max(1, decoded(_read_stored, stored).count)
        except ApiError:
            count = 1
        await self._api.patch(path, event.repetition(count + 1, self._wall()))

    def _remember(self, event: Event) -> None:
        self._stored[event.name] = None
        self._stored.move_to_end(event.name)
        if len(self._stored) > KNOWN:
            self._stored.popitem(last=False)

    def _count(self, outcome: str) -> None:
        self._metrics.events.labels(outcome).inc()

    def _failed(self, event: Event, problem: str) -> None:
        self._count("failed")
        if self._clock() - self._complained >= COMPLAIN_S:
            self._complained = self._clock()
            pod = f"{event.pod.namespace}/{event.pod.name}"
            log.warning("event not written", extra={"pod": pod, "reason": event.reason, "problem": problem})


def _may_pass(error: ApiError) -> bool:
    return error.reason in ("disconnected", "silent") or error.status in _BUSY
