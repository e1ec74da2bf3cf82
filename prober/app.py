"""Wires the prober, and stops it in order: unready, no more probes, a last report."""

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Final

from prometheus_client import CollectorRegistry

from neilats import __version__
from neilats.log import get_logger
from neilats.settings import ProberSettings
from prober.addresses import AddressBook
from prober.credentials import Credentials
from prober.delivery import Header
from prober.loop import ProbeLoop
from prober.metrics import Coverage, Metrics
from prober.noise import Judge
from prober.pace import report_period_s
from prober.ping import Pinger, source_towards
from prober.reporter import Reporter
from prober.schedule import Schedule
from prober.server import Health
from prober.store import Store
from prober.targets import TargetTable
from prober.wire import Reply, SelfReport

__all__ = ["Prober"]

log = get_logger("prober")

FLUSH_S: Final = 2.0
"""Time for the last report, of the 5 s that a stop may take."""

COVERAGE_INTERVALS: Final = 64


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


async def _forever(part: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """A part that shall not end by itself."""
    await part()
    raise RuntimeError("a part of the prober ended by itself")
