"""Which watches run: each is started when something first needs it and stopped after it was long not needed."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar, cast
from urllib.parse import quote

from extender.cluster.api import Api, Reason
from extender.cluster.listwatch import TIMING, ListWatch, Table, Timing, decode_object
from extender.cluster.podfields import decode_pod
from extender.cluster.podtable import PodListener, PodTable
from extender.cluster.tables import NodeTable, ServiceTable, SliceTable
from extender.selectors import EVERY, Selector
from neilats.log import get_logger

__all__ = ["IDLE_S", "KEEP_S", "MAX_WATCHES", "TOO_MANY", "Kind", "OnRestart", "Watch", "Watches"]

IDLE_S: Final = 600.0
MAX_WATCHES: Final = 256  # any pod may name any namespace, and every watch costs a connection
KEEP_S: Final = 60.0  # a watch needed this recently stays, or many namespaces would take turns and none be ready
TOO_MANY: Final = f"too many namespaces are watched ({MAX_WATCHES} watches)"

Kind = Literal["nodes", "pods", "services", "endpointslices"]
OnRestart = Callable[[Kind, Reason], None]
T = TypeVar("T", bound=Table, covariant=True)

_PATHS: Final[dict[Kind, str]] = {
    "nodes": "/api/v1/nodes",
    "pods": "/api/v1/namespaces/{}/pods",
    "services": "/api/v1/namespaces/{}/services",
    "endpointslices": "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
}

log = get_logger("extender.watch")


@dataclass(slots=True)
class Watch(Generic[T]):
    """A running watch and the table that it fills."""

    kind: Kind
    namespace: str
    table: T
    source: ListWatch
    task: asyncio.Task[None]
    used: float

    @property
    def synced(self) -> bool:
        """Whether the table has been complete once."""
        return self.source.synced.is_set()

    def __str__(self) -> str:
        where = f"{self.kind} of namespace {self.namespace}" if self.namespace else self.kind
        return f"{where} ({self.source.problem})" if self.source.problem else where


class Watches:
    """The running watches of an API server; None in place of one for which there is no room.

    `probed` selects the nodes that run probers. Needs a running event loop from the first watch on.
    """

    def __init__(
        self,
        api: Api,
        listener: PodListener,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_restart: OnRestart = lambda kind, reason: None,
        probed: Selector = EVERY,
        timing: Timing = TIMING,
    ) -> None:
        self._api, self._listener, self._probed = api, listener, probed
        self._clock, self._on_restart, self._timing = clock, on_restart, timing
        self._running: dict[tuple[Kind, str], Watch[Table]] = {}

    def __len__(self) -> int:
        return len(self._running)

    def nodes(self) -> Watch[NodeTable]:
        """All nodes."""
        return cast(Watch[NodeTable], self._need("nodes", "", lambda: NodeTable(self._probed)))

    def pods(self, namespace: str, *, background: bool = False) -> Watch[PodTable] | None:
        """A namespace's pods."""
        made = self._need("pods", namespace, lambda: PodTable(namespace, self._listener), background)
        return cast(Watch[PodTable] | None, made)

    def services(self, namespace: str, *, background: bool = False) -> Watch[ServiceTable] | None:
        """A namespace's services."""
        return cast(Watch[ServiceTable] | None, self._need("services", namespace, ServiceTable, background))

    def slices(self, namespace: str, *, background: bool = False) -> Watch[SliceTable] | None:
        """A namespace's EndpointSlices."""
        return cast(Watch[SliceTable] | None, self._need("endpointslices", namespace, SliceTable, background))

    async def sweep(self) -> None:
        """Stop what nothing has needed for IDLE_S."""
        limit = self._clock() - IDLE_S
        for watch in [w for w in self._running.values() if w.used < limit and w.namespace]:
            log.info("watch stopped: not needed", extra={"watch": str(watch)})
            await _ended(self._remove(watch))

    async def close(self) -> None:
        """Stop everything."""
        tasks = [self._remove(watch) for watch in list(self._running.values())]
        await asyncio.gather(*map(_ended, tasks))

    def _need(
        self, kind: Kind, namespace: str, make: Callable[[], Table], background: bool = False
    ) -> Watch[Table] | None:
        """The watch; a need in the background keeps it from idling, but neither takes nor defends a place."""
        watch = self._running.get((kind, namespace))
        if watch is None and (len(self._running) < MAX_WATCHES or (not background and self._make_room())):
            watch = self._start(kind, namespace, make())
        if watch is not None:
            now = self._clock()
            watch.used = max(watch.used, now - KEEP_S) if background else now
        return watch

    def _make_room(self) -> bool:
        """Whether one more watch may run, after ending the one that was not needed for longest where there are many."""
        if len(self._running) < MAX_WATCHES:
            return True
        oldest = min((w for w in self._running.values() if w.namespace), key=lambda w: w.used)
        if self._clock() - oldest.used < KEEP_S:
            return False
        log.info("watch stopped: others need its place", extra={"watch": str(oldest)})
        self._remove(oldest)
        return True

    def _start(self, kind: Kind, namespace: str, table: Table) -> Watch[Table]:
        source = ListWatch(
            self._api,
            _PATHS[kind].format(quote(namespace, safe="")),
            table,
            decode=decode_pod if kind == "pods" else decode_object,
            on_restart=lambda reason: self._on_restart(kind, reason),
            timing=self._timing,
        )
        task = asyncio.create_task(source.run(), name=f"watch {kind} {namespace}".strip())
        watch = self._running[kind, namespace] = Watch(kind, namespace, table, source, task, -math.inf)
        return watch

    def _remove(self, watch: Watch[Table]) -> asyncio.Task[None]:
        del self._running[watch.kind, watch.namespace]
        watch.task.cancel()
        return watch.task


async def _ended(task: asyncio.Task[None]) -> None:
    await asyncio.wait([task])
