"""Whether the extender lives and may be asked."""

from collections.abc import Callable, Mapping, Sized
from typing import Final

from aiohttp import web

from extender.cluster.base import Cluster
from extender.http import json_response

__all__ = ["Health"]

SHARE: Final = 0.8
"""Part of the probers whose reports are waited for."""


class Health:
    """Ready once the nodes are known and most probers have reported, or a while has passed; never while stopping."""

    def __init__(self, cluster: Cluster, reported: Sized, ready_after_s: float, clock: Callable[[], float]) -> None:
        self._cluster, self._reported, self._clock = cluster, reported, clock
        self._ready_after_s, self._began = ready_after_s, clock()
        self.stopping = False

    def routes(self) -> list[web.RouteDef]:
        """The two calls of a kubelet."""
        return [web.get("/healthz", self.healthz), web.get("/readyz", self.readyz)]

    def troubles(self) -> Mapping[str, str]:
        """What stands against being ready; empty if nothing does."""
        if self.stopping:
            return {"stopping": "the process has been told to end"}
        if not self._cluster.synced:
            return {"cluster": "the nodes are not yet known"}
        probers = sum(node.ready and node.probed for node in self._cluster.nodes.values())
        waited = self._clock() - self._began
        if len(self._reported) < SHARE * probers and waited < self._ready_after_s:
            return {"reports": f"{len(self._reported)} of {probers} probers have reported after {waited:.0f} s"}
        return {}

    async def healthz(self, request: web.Request) -> web.Response:
        """Alive: the loop turns."""
        return json_response({"status": "ok"})

    async def readyz(self, request: web.Request) -> web.Response:
        """Ready, or 503 with the reasons."""
        troubles = self.troubles()
        return json_response({"status": "not ready" if troubles else "ok", **troubles}, 503 if troubles else 200)
