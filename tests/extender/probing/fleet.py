"""Many probers and one extender in virtual time: the real parts of both, on a network that is a function."""

import heapq
import random
from collections.abc import Callable

from extender.app import new_metrics
from extender.cluster.base import Cluster
from extender.ingest import Ingest
from extender.load import Load
from extender.noise import NoiseTable
from extender.owners import Sender, TokenOwners
from extender.probing import Limits, Probing
from extender.replies import Replies
from extender.windows import WindowStore
from neilats.settings import ProberSettings
from prober.delivery import Delivery, Header
from prober.pace import report_period_s
from prober.schedule import Schedule
from prober.store import Store
from prober.targets import TargetTable
from prober.wire import Addresses, Report, SelfReport
from tests.extender.probing.village import Time, Village, address_of

SETTINGS = ProberSettings()
SETTLED_S = SETTINGS.control_interval_s + 0.1
"""A sample gets its value once the control probe after it has come back."""


class SimProber:
    """A prober without sockets: what `prober.app` and `prober.loop` do with its parts, on a virtual clock."""

    def __init__(self, node: str, rtt_ms: Callable[[str, str], float]) -> None:
        self.node, self._rtt_ms = node, rtt_ms
        self.schedule = Schedule(
            node,
            interval_s=SETTINGS.interval_s,
            burst_count=SETTINGS.burst_count,
            burst_interval_s=SETTINGS.burst_interval_s,
        )
        self.store = Store(SETTINGS.ring_samples)
        self.table = TargetTable(node, SETTINGS.max_targets)
        header = Header(node, "boot", SETTINGS.interval_s * 1000, Addresses(ipv4=address_of(node)), SelfReport())
        self.delivery = Delivery(self.store, lambda: header)
        self._asked_s = 0.0
        self._routed: dict[str, object] = {}
        self._flying: list[tuple[float, str, int]] = []

    def probe(self, now: float) -> float:
        """Send what is due; returns when to come back."""
        for slot in self.schedule.take(now):
            self._flying.append((now + SETTLED_S, slot.target, self.store.ring(slot.target).open(now)))
        return self.schedule.next_wake()

    def report(self, now: float) -> Report:
        """The report of now, with what has been settled by then."""
        while self._flying and self._flying[0][0] <= now:
            _, target, index = self._flying.pop(0)
            self.store.ring(target).decide(index, self._rtt_ms(self.node, target))
        report = self.delivery.report(now)
        report.targets_version = self.table.version("extender")
        return report

    def take(self, replies: list, now: float) -> float:
        """Do what the extender asks for; returns the seconds until the next report."""
        for reply in replies:
            self.delivery.accepted(resync=reply.resync)
            self.table.update("extender", reply.targets, reply.interval_ms / 1000, now, reply.targets_version)
            self._asked_s = (reply.report_after_ms or 0.0) / 1000
            goals = self.table.goals
            for target in [t for t in self._routed if t not in goals]:
                del self._routed[target]
                self.schedule.remove(target)
                self.store.retire(target, now)
            for target in goals.keys() - self._routed.keys():
                self._routed[target] = goals[target]
                fresh = now - self.store.ring(target).last_time < 2 * self.schedule.interval_s
                self.schedule.add(target, now, burst=not fresh)
            for target in self.table.bursts(self.table.list_of("extender")):
                self.schedule.burst(target, now)
        return report_period_s(SETTINGS, self.schedule, self._asked_s)


class Fleet:
    """Probers of a cluster and the extender that they report to.

    Where `every` is above 1 only one in so many nodes has a prober that does anything: probers do not disturb each
    other here, so these few stand for all.
    """

    def __init__(
        self,
        village: Village,
        rtt_ms: Callable[[str, str], float],
        limits: Limits | None = None,
        every: int = 1,
    ) -> None:
        self.village, self.time, self._random = village, Time(), random.Random(1)
        self.clock: Callable[[], float] = lambda: self.time.now
        self.store = WindowStore(64, SETTINGS.interval_s)
        cluster: Cluster = village  # type: ignore[assignment]
        self.probing = Probing(cluster, SETTINGS.interval_s, "auto", self.store, limits, self.time.wall)
        noise = NoiseTable(self.store)
        load = Load(SETTINGS.interval_s, 4 * SETTINGS.interval_s, self.clock, cpu_s=lambda: 0.0)
        replies = Replies(self.probing, load, new_metrics())
        self.ingest = Ingest(self.store, noise, cluster, TokenOwners(), replies, self.clock)
        self.probers = {name: SimProber(name, rtt_ms) for name in list(village.nodes)[::every]}
        self._due: list[tuple[float, int, str, bool]] = []
        self._count = 0
        for name in self.probers:
            self._at(self.time.now + self._random.uniform(0, SETTINGS.report_interval_s), name, reports=True)

    def run(self, seconds: float) -> None:
        """Let the time pass."""
        end = self.time.now + seconds
        while self._due and self._due[0][0] <= end:
            self.time.now, _, name, reports = heapq.heappop(self._due)
            prober = self.probers[name]
            if reports:
                self._report(prober)
            else:
                self._probe(prober)
        self.time.now = end

    def _probe(self, prober: SimProber) -> None:
        wake = prober.probe(self.time.now)
        if wake < float("inf"):
            self._at(max(wake, self.time.now + 0.001), prober.node, reports=False)

    def _report(self, prober: SimProber) -> None:
        now = self.time.now
        before = prober.schedule.next_wake()
        applied = self.ingest.apply(prober.report(now), Sender("127.0.0.1", prober.node))
        pause_s = prober.take([applied.reply], now)
        if prober.schedule.next_wake() < before:
            self._probe(prober)
        self._at(now + self._random.uniform(0.9, 1.0) * pause_s, prober.node, reports=True)

    def _at(self, time: float, name: str, *, reports: bool) -> None:
        self._count += 1
        heapq.heappush(self._due, (time, self._count, name, reports))
