"""A real cluster: nodes are always watched, pods, services and endpoints only where an intent needs them."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import quote

from extender.cluster.api import Api, ApiError
from extender.cluster.base import NodeInfo, Resolution, Shares
from extender.cluster.followed import Followed
from extender.cluster.listwatch import TIMING, Table, Timing
from extender.cluster.tables import NodeTable, ServiceTable
from extender.cluster.watches import TOO_MANY, OnRestart, Watch, Watches
from extender.intents import Intent, Pod
from extender.quoting import shortened
from extender.selectors import EVERY, Selector
from neilats.log import get_logger

__all__ = ["KubeCluster"]

UNBOUND_S: Final = 5.0
"""Most pods are bound within this time, and the watch of placed pods shows it; for those that are not, their namespace
is watched too, as a pod that is deleted without a node shows only there."""

_NO_NODES: Final = NodeTable()

log = get_logger("extender.cluster")


class KubeCluster:
    """Implements `Cluster` on an API server. `on_restart(kind, reason)` hears of every watch that was interrupted.

    `probed` selects the nodes that run probers.
    """

    def __init__(
        self,
        api: Api,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_restart: OnRestart = lambda kind, reason: None,
        probed: Selector = EVERY,
        timing: Timing = TIMING,
        unbound_s: float = UNBOUND_S,
    ) -> None:
        self.api: Api = api
        self._unbound_s = unbound_s
        self._followed = Followed(clock)
        self._watches = Watches(api, self._followed, clock=clock, on_restart=on_restart, probed=probed, timing=timing)
        self._nodes: Watch[NodeTable] | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to watch the nodes; returns at once."""
        self._nodes = self._watches.nodes()
        self._sweeper = asyncio.create_task(self._sweep(), name="watches sweep")

    async def close(self) -> None:
        """Stop every watch and close the connections."""
        if self._sweeper:
            self._sweeper.cancel()
            await asyncio.wait([self._sweeper])
        await self._watches.close()
        await self.api.close()

    @property
    def nodes(self) -> Mapping[str, NodeInfo]:
        """The current nodes by name."""
        return (self._nodes.table if self._nodes else _NO_NODES).nodes

    @property
    def nodes_version(self) -> int:
        """Changes with the set of nodes, their addresses and pod ranges."""
        return self._nodes.table.version if self._nodes else 0

    @property
    def synced(self) -> bool:
        """Whether the nodes are known."""
        return self._nodes is not None and self._nodes.synced

    def resolve(self, intent: Intent, pod: Pod, *, background: bool = False) -> Resolution:
        """The nodes of the intent's peers, from memory."""
        found = Shares()
        if intent.peer_nodes and not self.synced:
            found.pending.append("nodes")
        elif intent.peer_nodes:
            found.add_nodes(intent.peer_nodes, self.nodes)
        for namespace, name in intent.peer_services:
            self._add_service(found, namespace, name, background)
        if intent.peer_pods is not None:
            self._add_pods(found, intent.peer_pods, pod, background)
        return found.resolution()

    async def wait_resolved(self, intent: Intent, pod: Pod, timeout_s: float) -> Resolution:
        """As `resolve`, after waiting at most so long for the first lists, but not for one that just failed."""
        waits = [w.source.synced.wait() for w in self._needed(intent, pod) if not (w.synced or w.source.problem)]
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*waits)
        return self.resolve(intent, pod)

    def on_bound(self, callback: Callable[[Pod], None]) -> None:
        """Call back once for each followed pod that is bound, or deleted before."""
        self._followed.on_end(callback)

    def follow(self, pod: Pod) -> None:
        """Wait until the pod is bound or deleted, for an hour at most."""
        self._followed.follow(pod)

    def saw(self, pod: Pod) -> None:
        """A pod as it now is."""
        self._followed.saw(pod)

    async def annotate(self, namespace: str, name: str, annotations: Mapping[str, str], *, uid: str = "") -> bool:
        """Set annotations on a pod; with a uid only on that very pod, not on its successor of the same name."""
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(name, safe='')}"
        meta = {"annotations": dict(annotations)} | ({"uid": uid} if uid else {})
        try:
            await self.api.patch(path, {"metadata": meta})
        except ApiError as e:
            level = log.info if e.status in (404, 409) else log.warning  # it is gone: nothing is wrong
            level("pod not annotated", extra={"pod": f"{namespace}/{name}", "problem": str(e)})
            return False
        return True

    def _needed(self, intent: Intent, pod: Pod) -> list[Watch[Table]]:
        """The watches that resolving needs, started where they do not run."""
        found: list[Watch[Table] | None] = [self._nodes] if intent.peer_nodes else []
        for namespace in dict.fromkeys(ns for ns, _ in intent.peer_services):
            found += [self._watches.services(namespace), self._watches.slices(namespace)]
        if intent.peer_pods is not None:
            found.append(self._watches.pods(pod.namespace))
        return [watch for watch in found if watch is not None]

    def _add_service(self, found: Shares, namespace: str, name: str, background: bool) -> None:
        services = self._watches.services(namespace, background=background)
        slices = self._watches.slices(namespace, background=background)
        if services is None or slices is None:
            found.unresolved.append(f"service {namespace}/{name}: {TOO_MANY}")
        elif pending := [str(w) for w in (services, slices) if not w.synced]:
            found.pending += pending
        else:
            counts = slices.table.nodes_of(name)
            problem = _problem(services.table, name, counts)
            self._add(found, counts, f"service {namespace}/{name} {problem}" if problem else "")

    def _add_pods(self, found: Shares, selector: Selector, pod: Pod, background: bool) -> None:
        pods = self._watches.pods(pod.namespace, background=background)
        if pods is None:
            found.unresolved.append(f"pods {shortened(str(selector))}: {TOO_MANY}")
        elif not pods.synced:
            found.pending.append(str(pods))
        else:
            counts = pods.table.nodes_of(selector, pod)
            self._add(found, counts, "" if counts else f"no running pod matches {shortened(str(selector))}")

    @staticmethod
    def _add(found: Shares, counts: Counter[str], problem: str) -> None:
        if problem:
            found.unresolved.append(problem)
        else:
            found.add_peer(counts)

    async def _sweep(self) -> None:
        """Stop idle watches; a pod that is followed for long needs its namespace's."""
        while True:
            await asyncio.sleep(self._unbound_s)
            try:
                for namespace in self._followed.namespaces(self._unbound_s):
                    self._watches.pods(namespace)
                await self._watches.sweep()
            except Exception:
                log.exception("stopping idle watches failed")


def _problem(services: ServiceTable, name: str, counts: Counter[str]) -> str:
    """Why a service leads to no node; takes the endpoints that name none off the counts."""
    nowhere = counts.pop("", 0)
    if name not in services:
        return "does not exist"
    if services.is_alias(name):
        return "is an ExternalName and has no endpoints"
    if counts:
        return ""
    return "has no endpoint that names its node" if nowhere else "has no ready endpoints"
