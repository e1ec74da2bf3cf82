"""The watch of all bound pods, and what looks at those of them that were promised something."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web

from extender.cluster.base import Cluster
from extender.cluster.listwatch import ListWatch
from extender.cluster.podfields import decode_pod
from extender.metrics import Metrics
from extender.placed.judging import Gather
from extender.placed.keeper import Keeper, Listener
from extender.placed.placements import Placements
from extender.placed.table import PATH, SELECTOR, PlacedTable

__all__ = ["PlacedPods"]

_RESTARTS: Final = "placed"
"""How interrupted watches of placed pods are counted: apart from those of single namespaces."""


class PlacedPods:
    """The placed pods of a cluster and their promises; there are none where there is no API server."""

    def __init__(
        self,
        cluster: Cluster,
        gather: Gather,
        listener: Listener,
        metrics: Metrics,
        clock: Callable[[], float],
        period_s: float,
    ) -> None:
        self.table = PlacedTable(cluster.saw)
        self.keeper = Keeper(self.table, cluster, gather, listener, metrics, clock, period_s)
        self._placements = Placements(self.keeper, self._trouble, clock)
        restarts = metrics.watch_restarts.labels(_RESTARTS)
        self._source: ListWatch | None = None
        if cluster.api is not None:
            self._source = ListWatch(
                cluster.api,
                PATH,
                self.table,
                decode=decode_pod,
                params={"fieldSelector": SELECTOR},
                on_restart=lambda reason: restarts.inc(),
            )

    def routes(self) -> Sequence[web.RouteDef]:
        """The route of the placements."""
        return self._placements.routes()

    async def run(self) -> None:
        """Watch and look, for ever."""
        if self._source is None:
            await asyncio.Event().wait()
            return
        await asyncio.gather(self._source.run(), self.keeper.run())

    def _trouble(self) -> str:
        """Why the table is not complete yet, if so."""
        if self._source is None or self._source.synced.is_set():
            return ""
        return self._source.problem or "the first list has not ended"
