"""An extender on a static cluster and a clock that tests move by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from extender.app import Extender, build
from extender.cluster.api import Api
from extender.cluster.static import StaticCluster
from neilats.settings import ExtenderSettings

NODES = ("node-1", "node-2", "node-3", "node-4")


@dataclass
class Clock:
    """Monotonic seconds, moved by the test."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


def a_pod(name: str = "pod", **annotations: str) -> dict[str, Any]:
    """A pod's JSON; keyword arguments become `neilats.io/` annotations, `_` standing for `-`."""
    named = {f"neilats.io/{k.replace('_', '-')}": v for k, v in annotations.items()}
    return {"metadata": {"name": name, "namespace": "shop", "uid": f"uid-{name}", "annotations": named}}


@dataclass
class Bench:
    """An extender under test, with its two HTTP clients."""

    extender: Extender
    clock: Clock
    webhooks: "TestClient[Any, Any]"
    api: "TestClient[Any, Any]"
    seq: dict[str, int] = field(default_factory=dict)

    async def report(self, node: str, samples: dict[str, Any], /, **fields: Any) -> Any:
        """Send a report as that node's prober would; returns the response."""
        self.seq[node] = self.seq.get(node, 0) + 1
        body = {"node": node, "boot": "b1", "seq": self.seq[node], "interval_ms": 10000, "samples": samples, **fields}
        return await self.api.post("/v1/report", json=body)

    async def measured(self, source: str, target: str, rtt_ms: list[float | None], step_ms: float = 10000) -> None:
        """Let a path have been measured on the grid up to now."""
        run = {"age_ms": 0, "step_ms": step_ms, "rtt_ms": rtt_ms}
        response = await self.report(source, {target: run})
        assert response.status == 200, await response.text()

    async def star(self, peer: str, rtt_ms: dict[str, float], count: int = 20) -> None:
        """Let each node have measured a steady path to the peer."""
        for node, rtt in rtt_ms.items():
            await self.measured(node, peer, [rtt] * count)

    async def ask(self, verb: str, pod: dict[str, Any], names: tuple[str, ...] = NODES) -> Any:
        """kube-scheduler's call in names mode; returns the decoded answer."""
        response = await self.webhooks.post(f"/scheduler/{verb}", json={"Pod": pod, "NodeNames": list(names)})
        assert response.status == 200, await response.text()
        return await response.json()

    async def scores(self, pod: dict[str, Any], names: tuple[str, ...] = NODES) -> dict[str, int]:
        """Scores by node from prioritize."""
        return {e["Host"]: e["Score"] for e in await self.ask("prioritize", pod, names)}

    async def refused(self, pod: dict[str, Any], names: tuple[str, ...] = NODES) -> dict[str, str]:
        """Reasons by node from filter."""
        answer = await self.ask("filter", pod, names)
        assert sorted([*answer["NodeNames"], *answer["FailedAndUnresolvableNodes"]]) == sorted(names)
        return answer["FailedAndUnresolvableNodes"]

    def metric(self, name: str, **labels: str) -> float:
        """A metric's value."""
        return self.extender.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def make_bench(aiohttp_client: Any, clock: Clock) -> Callable[..., Any]:
    made: list[Extender] = []

    async def make(nodes: tuple[str, ...] = NODES, api: Api | None = None, **settings: Any) -> Bench:
        chosen = ExtenderSettings(**{"forecaster": "median", "deadline_ms": 5000.0, **settings})
        cluster = StaticCluster((n, "") for n in nodes)
        cluster.api = api
        extender = build(chosen, cluster, clock)
        made.append(extender)
        return Bench(
            extender, clock, await aiohttp_client(extender.apps.webhooks), await aiohttp_client(extender.apps.api)
        )

    yield make
    for extender in made:
        extender.worker.close()
        extender.estimates.close()


@pytest.fixture
async def bench(make_bench: Callable[..., Any]) -> Bench:
    return await make_bench()
