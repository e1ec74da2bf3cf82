"""The prober's own HTTP: /metrics, /healthz, /readyz. Binds no port itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

__all__ = ["Health", "build_app"]

STALLED_S: Final = 30.0
"""A probe loop that did not run for this long is no longer alive."""


@dataclass
class Health:
    """Whether the prober works. `loop_age` gives the seconds since the probe loop last ran."""

    loop_age: Callable[[], float] = field(default=lambda: 0.0)
    opened: bool = False
    stopping: bool = False

    def alive(self) -> bool:
        """Whether the probe loop still runs."""
        return self.loop_age() < STALLED_S

    def not_ready(self) -> str:
        """Why the prober is not ready; empty when it is."""
        if self.stopping:
            return "stopping"
        if not self.opened:
            return "the sockets are not open"
        return "" if self.alive() else "the probe loop stands still"


def build_app(registry: CollectorRegistry, health: Health) -> web.Application:
    """The application."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(_: web.Request) -> web.Response:
        return _plain("" if health.alive() else "the probe loop stands still")

    async def readyz(_: web.Request) -> web.Response:
        return _plain(health.not_ready())

    app = web.Application(client_max_size=4096)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    return app


def _plain(fault: str) -> web.Response:
    return web.Response(text=f"{fault or 'ok'}\n", status=503 if fault else 200)
