"""Periodic tidying: nodes that are gone are forgotten after a grace, so that memory follows the cluster."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from extender.cluster.base import Cluster, NodeInfo
from extender.grace import Grace
from extender.ingest import Ingest, Source
from extender.probing import Probing
from extender.windows import WindowStore
from neilats.log import get_logger

__all__ = ["Housekeeper", "prober_counts", "window_counts"]

log = get_logger("extender.housekeeping")

PERIOD_S: Final = 30.0
GONE_S: Final = 600.0
"""How long a node may be away and keep its windows: a node that restarts comes back within minutes."""


class Housekeeper:
    """Forgets what nobody needs any more."""

    def __init__(
        self,
        cluster: Cluster,
        ingest: Ingest,
        store: WindowStore,
        grace: Grace,
        probing: Probing,
        clock: Callable[[], float],
    ) -> None:
        self._cluster, self._ingest, self._store, self._grace = cluster, ingest, store, grace
        self._probing, self._clock = probing, clock
        self._gone: dict[str, float] = {}

    async def run(self) -> None:
        """Tidy every half minute, for ever."""
        while True:
            await asyncio.sleep(PERIOD_S)
            try:
                for _ in self.steps():
                    await asyncio.sleep(0)  # a zone of a thousand nodes may have gone: webhooks come between
            except Exception:
                log.exception("tidying failed")

    def tidy(self) -> None:
        """Forget the nodes that have been gone for long, and old waits."""
        for _ in self.steps():
            pass

    def steps(self) -> Iterator[None]:
        """Tidy in steps of a fraction of a millisecond or a few, between which anything may happen."""
        now = self._clock()
        self._grace.tidy(now)
        self._probing.tidy(now)
        if self._cluster.synced:
            yield from self._forget_gone(now)
        if self._store.roomy:
            yield from self._store.compact()

    def _forget_gone(self, now: float) -> Iterator[None]:
        known = self._store.nodes() | set(self._ingest.sources)
        self._gone = {n: self._gone.get(n, now) for n in known if n not in self._cluster.nodes}
        for node in [n for n, since in self._gone.items() if now - since >= GONE_S]:
            since = self._gone.pop(node)
            if node not in self._cluster.nodes:  # it may have come back between two steps
                self._ingest.forget(node)
                log.info("node forgotten", extra={"node": node, "gone_s": round(now - since)})
            yield


def window_counts(store: WindowStore, fresh_for_s: float, clock: Callable[[], float]) -> Iterable[tuple[str, int]]:
    """How many paths are fresh, stale or never measured."""
    return list(zip(("fresh", "stale", "never"), store.freshness(clock(), fresh_for_s), strict=True))


def prober_counts(
    nodes: Mapping[str, NodeInfo], sources: Mapping[str, Source], fresh_for_s: float, clock: Callable[[], float]
) -> Iterable[tuple[str, int]]:
    """How many ready nodes' probers have reported lately, and how many have not; of nodes that are to have one."""
    since = clock() - fresh_for_s
    ready = [name for name, node in nodes.items() if node.ready and node.probed]
    reporting = sum(name in sources and sources[name].at >= since for name in ready)
    return [("reporting", reporting), ("silent", len(ready) - reporting)]
