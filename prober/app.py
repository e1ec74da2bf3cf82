"""Wires the prober, runs it until SIGTERM, and stops it in order: unready, no more probes, a last report, closed."""

import asyncio
import platform
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiohttp import web
from prometheus_client import CollectorRegistry

from neilats import __version__
from neilats.log import get_logger, setup_logging
from neilats.parse import split_endpoint
from neilats.settings import ProberSettings
from prober.addresses import AddressBook
from prober.credentials import Credentials
from prober.delivery import Header
from prober.loop import ProbeLoop
from prober.metrics import Coverage, Metrics
from prober.noise import Judge
from prober.pace import report_period_s
from prober.ping import DelayFunction, Pinger, PingError, open_pinger, source_towards
from prober.reporter import Reporter
from prober.schedule import Schedule
from prober.server import Health, build_app
from prober.store import Store
from prober.targets import TargetTable
from prober.wire import Reply, SelfReport

__all__ = ["Listening", "Prober", "main", "run"]

log = get_logger("prober")

FLUSH_S: Final = 2.0
"""Time for the last report."""

CLOSE_S: Final = 1.0
"""Time for open HTTP requests at the end; with FLUSH_S well within the 5 s that a stop may take."""

COVERAGE_INTERVALS: Final = 64


@dataclass(frozen=True)
class Listening:
    """What a running prober listens on and which probe mode is in use."""

    node: str
    mode: str
    probes: tuple[str, ...]
    udp_port: int
    http: str


class Prober:
    """Everything of one prober but its sockets, which `pinger` owns."""

    def __init__(self, settings: ProberSettings, pinger: Pinger, *, env: Mapping[str, str], node: str) -> None:
        self._settings, self._pinger, self._node = settings, pinger, node
        self._boot = secrets.token_hex(8)
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry, version=__version__, node=node)
        self.schedule = Schedule(
            node,
            interval_s=settings.interval_s,
            burst_count=settings.burst_count,
            burst_interval_s=settings.burst_interval_s,
        )
        self.store = Store(settings.ring_samples)
        self.judge = Judge(
            control_limit_ms=settings.control_limit_ms,
            lag_limit_ms=settings.lag_limit_ms,
            control_interval_s=settings.control_interval_s,
        )
        coverage = Coverage(COVERAGE_INTERVALS * settings.interval_s)
        self.loop = ProbeLoop(
            pinger,
            self.schedule,
            self.store,
            self.judge,
            self.metrics,
            timeout_s=settings.timeout_s,
            control_interval_s=settings.control_interval_s,
            coverage=coverage,
        )
        self.table = TargetTable(node, settings.max_targets)
        self.addresses = AddressBook(
            advertise=settings.advertise,
            bind=settings.bind,
            env=env,
            source_towards=source_towards,
            udp_port=pinger.udp_port,
        )
        self.reporter = Reporter(
            settings.extender_urls,
            self.store,
            self.metrics,
            header=self._header,
            period=partial(report_period_s, settings, self.schedule),
            on_reply=self._take,
            list_held=self.table.version,
            on_replicas=self.addresses.look_up,
            bind=settings.bind,
            credentials=Credentials(settings.token_file, settings.ca_file),
        )
        self.health = Health(lambda: time.monotonic() - self.loop.stepped_at)
        self.metrics.opened(pinger.mode)
        self.metrics.coverage.set_function(lambda: coverage.ratio(time.monotonic()))
        self.metrics.lag.set_function(lambda: self.judge.lag_ms / 1e3)

    async def work(self, stop: asyncio.Event, started: Callable[[], None]) -> None:
        """Probe and report until `stop`; a part that fails ends all, as an ExceptionGroup."""
        async with asyncio.TaskGroup() as group:
            probing = group.create_task(_forever(self.loop.run), name="probe loop")
            reporting = group.create_task(_forever(self.reporter.run), name="reporter")
            self.health.opened = True
            started()
            await stop.wait()
            self.health.stopping = True
            log.info("stopping")
            probing.cancel()
            await self.reporter.flush(FLUSH_S)
            reporting.cancel()

    def _take(self, replica: str, reply: Reply) -> None:
        """Do what a replica's reply asks for."""
        now, interval_s = time.monotonic(), reply.interval_ms / 1e3
        changed = self.table.update(replica, reply.targets, interval_s, now, reply.targets_version)
        self.loop.set_interval(self.table.interval_s() or self._settings.interval_s)
        bursts = self.table.bursts(self.table.list_of(replica))
        if not changed:
            self.loop.burst(bursts)
            return
        self.loop.retarget(self.table.goals, bursts)
        ignored = {"address": self.table.bad + self.loop.unroutable, "limit": self.table.beyond}
        for reason, count in ignored.items():
            self.metrics.ignored.labels(reason).set(count)
        if any(ignored.values()):
            log.warning("some targets are not probed", extra=ignored)

    def _header(self) -> Header:
        return Header(
            node=self._node,
            boot=self._boot,
            interval_ms=self.schedule.interval_s * 1e3,
            addresses=self.addresses.current,
            condition=SelfReport(
                mode=self._pinger.mode,
                loopback_ms=None if self.judge.control_ms is None else round(self.judge.control_ms, 4),
                lag_ms=round(self.judge.lag_ms, 2),
                noisy=self.loop.noisy,
                version=__version__,
            ),
        )


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


async def _forever(part: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """A part that shall not end by itself."""
    await part()
    raise RuntimeError("a part of the prober ended by itself")
