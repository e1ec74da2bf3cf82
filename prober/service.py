"""Runs a prober as a process until SIGTERM: its sockets, its HTTP listener, its signals."""

import asyncio
import platform
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from neilats import __version__
from neilats.log import get_logger, setup_logging
from neilats.parse import split_endpoint
from neilats.settings import ProberSettings
from prober.app import Prober
from prober.ping import DelayFunction, PingError, open_pinger
from prober.server import build_app

__all__ = ["Listening", "main", "run"]

log = get_logger("prober")

CLOSE_S: Final = 1.0
"""Time for open HTTP requests at the end; with that for the last report well within the 5 s that a stop may take."""


@dataclass(frozen=True)
class Listening:
    """What a running prober listens on and which probe mode is in use."""

    node: str
    mode: str
    probes: tuple[str, ...]
    udp_port: int
    http: str


async def run(
    settings: ProberSettings,
    *,
    env: Mapping[str, str] | None = None,
    delay: DelayFunction | None = None,
    ready: Callable[[Listening], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Run a prober until SIGTERM or SIGINT, or until `stop` is set where the caller minds the signals itself.

    `env` may hold POD_IP and POD_IPS, `delay` emulates links in the UDP echo, `ready` hears what was opened. Raises
    PingError or OSError when something cannot be opened, and an ExceptionGroup when a part of the prober failed.
    """
    node = settings.node_name or platform.node()
    pinger = open_pinger(settings.probe_mode, bind=settings.bind, udp_port=settings.udp_port, delay=delay)
    try:
        prober = Prober(settings, pinger, env=env or {}, node=node)
        async with _serving(settings.metrics_listen, prober) as http:
            opened = Listening(node, pinger.mode, pinger.listening, pinger.udp_port, http)
            with _stopping(stop) as stopped:
                await prober.work(stopped, lambda: _started(settings, opened, ready))
    finally:
        pinger.close()


def main(settings: ProberSettings, *, env: Mapping[str, str] | None = None) -> int:
    """Run a prober as a process; returns the exit status: 0 stopped, 1 failed or could not start."""
    setup_logging(settings.log_level, settings.log_format)
    try:
        asyncio.run(run(settings, env=env))
    except (PingError, OSError) as e:
        log.error("cannot start", extra={"reason": e})
        return 1
    except Exception:
        log.exception("the prober failed")
        return 1
    return 0


def _started(settings: ProberSettings, opened: Listening, ready: Callable[[Listening], None] | None) -> None:
    log.info(
        "prober started",
        extra={
            "node": opened.node,
            "mode": opened.mode,
            "probes": ",".join(opened.probes),
            "http": opened.http,
            "extenders": ",".join(settings.extender_urls),
            "interval_s": settings.interval_s,
            "version": __version__,
        },
    )
    if ready is not None:
        ready(opened)


@asynccontextmanager
async def _serving(endpoint: str, prober: Prober) -> AsyncIterator[str]:
    """Serve the prober's HTTP; gives its address. Raises OSError when the port is taken."""
    runner = web.AppRunner(build_app(prober.registry, prober.health), access_log=None, shutdown_timeout=CLOSE_S)
    await runner.setup()
    try:
        host, port = split_endpoint(endpoint)
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0]
        if host is None:
            bound = ("", bound[1])
        yield f"[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"{bound[0]}:{bound[1]}"
    finally:
        await runner.cleanup()


@contextmanager
def _stopping(stop: asyncio.Event | None) -> Iterator[asyncio.Event]:
    """The event that ends the prober: the caller's, or one that SIGTERM and SIGINT set."""
    if stop is not None:
        yield stop
        return
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
