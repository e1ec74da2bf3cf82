"""Placed pods, measured paths and a listener that remembers what it was told."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from extender.cluster.base import Resolution
from extender.cluster.static import StaticCluster
from extender.gather import RecentPaths, gather_recent
from extender.metrics import Metrics
from extender.placed.keeper import Keeper
from extender.placed.table import PlacedTable
from extender.windows import WindowStore
from tests.extender.cluster.conftest import api, fake, kubeconfig  # noqa: F401  # fixtures
from tests.extender.conftest import Clock

NODES = ("gateway", "node-1", "node-2", "node-3")


def a_placed_pod(name: str = "web", node: str = "node-1", **annotations: str) -> dict[str, Any]:
    """A bound pod's JSON; keyword arguments become `neilats.io/` annotations, `_` standing for `-`."""
    named = {f"neilats.io/{k.replace('_', '-')}": v for k, v in annotations.items()}
    return {
        "metadata": {"name": name, "namespace": "shop", "uid": f"uid-{name}", "annotations": named},
        "spec": {"nodeName": node, "schedulerName": "neilats-scheduler"},
        "status": {"phase": "Running"},
    }


@dataclass
class Heard:
    """A listener: what was told, as (what, pod, reason, news)."""

    speaks: bool = True
    told: list[tuple[Any, ...]] = field(default_factory=list)

    def invalid(self, placed: Any) -> None:
        self.told.append(("invalid", placed.pod.name))

    def broken(self, placed: Any, reason: str, *, news: bool) -> None:
        self.told.append(("broken", placed.pod.name, reason, news))

    def kept(self, placed: Any, reason: str) -> None:
        self.told.append(("kept", placed.pod.name, reason))

    def words(self) -> list[str]:
        return [told[0] for told in self.told]


class Services(StaticCluster):
    """A static cluster in which one service's nodes are the test's; `asked` counts who asked how."""

    def __init__(self) -> None:
        super().__init__((n, "") for n in NODES)
        self.answer = Resolution(pending="services of namespace shop")
        self.asked: list[bool] = []

    def resolve(self, intent: Any, pod: Any, *, background: bool = False) -> Resolution:
        self.asked.append(background)
        return self.answer if intent.peer_services else super().resolve(intent, pod)


@dataclass
class World:
    """A keeper of placed pods, and paths that the test measures."""

    clock: Clock = field(default_factory=Clock)
    table: PlacedTable = field(default_factory=PlacedTable)
    heard: Heard = field(default_factory=Heard)
    cluster: Services = field(default_factory=Services)

    def __post_init__(self) -> None:
        self.store = WindowStore(64, 10.0)
        self.metrics = Metrics(CollectorRegistry(), "test")
        self.keeper = Keeper(self.table, self.cluster, self.gather, self.heard, self.metrics, self.clock, 10.0)

    def gather(self, peer: str, names: Any) -> RecentPaths:
        return gather_recent(self.store, peer, names, self.clock(), 40.0)

    def measured(self, source: str, target: str, *rtt_ms: float) -> None:
        """Let a path's last samples be these, one each ten seconds; time passes with them."""
        rows = self.store.ensure(source, [target])
        for rtt in rtt_ms:
            self.clock.forward(10)
            self.store.append(rows, np.array([self.clock()]), np.array([rtt]))

    async def looks(self, count: int = 1) -> None:
        for _ in range(count):
            await self.keeper.look()

    def states(self) -> dict[str, str]:
        return {s.placed.pod.name: s.state for s in self.keeper.standings()}

    def reason(self) -> str:
        (standing,) = self.keeper.standings()
        return standing.finding.reason

    def counted(self) -> dict[str, float]:
        value = self.metrics.registry.get_sample_value
        states = ("kept", "broken", "unmeasured")
        return {s: value("neilats_placed_pods", {"state": s}) or 0.0 for s in states}


@pytest.fixture
def world() -> World:
    return World()
