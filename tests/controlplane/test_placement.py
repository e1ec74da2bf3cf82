"""The whole decision with the real kube-scheduler: reports in, pods bound.

The extender runs in the test's own loop, on the listeners that its service opens; reports go through its HTTP door.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from extender.app import Extender
from extender.service import run
from neilats.settings import ExtenderSettings
from tests.controlplane.kube import Kube
from tests.controlplane.plane import ControlPlane

pytestmark = [pytest.mark.controlplane, pytest.mark.timeout(180)]

NEAR = "neilats.io/peer-nodes"
SLA = "neilats.io/max-rtt-ms"
MODE = "neilats.io/mode"


@dataclass
class Running:
    """A running extender, and probers played by the test."""

    extender: Extender
    where: dict[str, str]
    session: aiohttp.ClientSession
    seq: dict[str, int] = field(default_factory=dict)

    @property
    def webhooks(self) -> str:
        return f"http://{self.where['webhooks']}/scheduler"

    async def report(self, node: str, rtt_ms: dict[str, float], count: int = 12) -> None:
        """Let a node have measured steady RTTs to its targets, on the grid up to now."""
        self.seq[node] = self.seq.get(node, 0) + 1
        samples = {t: {"age_ms": 0, "step_ms": 10000, "rtt_ms": [v] * count} for t, v in rtt_ms.items()}
        body = {"node": node, "boot": "b", "seq": self.seq[node], "interval_ms": 10000, "samples": samples}
        async with self.session.post(f"http://{self.where['api']}/v1/report", json=body) as reply:
            assert reply.status == 200, await reply.text()

    async def star(self, peer: str, rtt_ms: dict[str, float]) -> None:
        """Let each node have measured its path to the peer."""
        for node, rtt in rtt_ms.items():
            await self.report(node, {peer: rtt})

    async def get(self, path: str) -> Any:
        async with self.session.get(f"http://{self.where['api']}{path}") as reply:
            return await reply.json()


@asynccontextmanager
async def extending(plane: ControlPlane, **settings: Any) -> AsyncIterator[Running]:
    """An extender on the control plane's API server, stopped the way its signals stop it."""
    fixed = {"cluster": "kubeconfig", "kubeconfig": str(plane.kubeconfig()), "ready_after_s": 1.0}
    opened: asyncio.Future[tuple[Extender, Any]] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    service = asyncio.create_task(
        run(
            ExtenderSettings(webhook_listen="127.0.0.1:0", listen="127.0.0.1:0", **(fixed | settings)),
            listening=lambda extender, where: opened.set_result((extender, where)),
            stop=stop,
        )
    )
    done, _ = await asyncio.wait([service, opened], return_when=asyncio.FIRST_COMPLETED)
    if service in done:
        await service
    extender, where = opened.result()
    try:
        async with aiohttp.ClientSession() as session:
            yield Running(extender, where, session)
    finally:
        stop.set()
        await service


async def nodes_known(running: Running, count: int) -> None:
    """Wait until the extender's watch has seen the nodes."""
    for _ in range(500):
        if len(running.extender.cluster.nodes) == count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{len(running.extender.cluster.nodes)} of {count} nodes known after 10 s")


NODES = ("node-1", "node-2", "node-3", "node-4")
PATHS = {"node-2": 9.0, "node-3": 2.0, "node-4": 30.0}


@pytest.fixture
async def running(plane: ControlPlane, kube: Kube) -> AsyncIterator[Running]:
    """Four nodes, with node-3 nearest to node-1, and an extender that knows it."""
    await kube.nodes(NODES)
    async with extending(plane) as found:
        await nodes_known(found, len(NODES))
        await found.star("node-1", PATHS)
        yield found


async def test_pods_go_to_the_node_nearest_to_their_peer(plane: ControlPlane, kube: Kube, running: Running) -> None:
    await kube.patch_node("node-1", {"spec": {"unschedulable": True}})
    with plane.scheduler(running.webhooks):
        names = [f"near-{i}" for i in range(20)]
        for name in names:
            await kube.pod(name, annotations={NEAR: "node-1"})
        assert set((await kube.wait_bound(*names)).values()) == {"node-3"}
    decision = (await running.get("/v1/decisions/default/near-0"))["decisions"][0]
    assert (decision["outcome"], decision["node"], decision["outvoted"]) == ("scored", "node-3", False)
    assert {r["node"]: r["score"] for r in decision["nodes"]}["node-3"] == 10


async def test_pods_without_intent_are_spread_as_ever(plane: ControlPlane, kube: Kube, running: Running) -> None:
    with plane.scheduler(running.webhooks):
        names = [f"plain-{i}" for i in range(12)]
        for name in names:
            await kube.pod(name, cpu="100m")
        assert set((await kube.wait_bound(*names)).values()) == set(NODES)


async def test_peers_may_be_services_or_pods(plane: ControlPlane, kube: Kube, running: Running) -> None:
    await running.star("node-4", {"node-1": 5.0, "node-2": 1.0, "node-3": 20.0})
    await kube.service("db")
    await kube.endpoints("db", ["node-4"])
    await kube.pod("cache-0", labels={"app": "cache"}, node="node-1", phase="Running")
    for node in ("node-1", "node-4"):
        await kube.patch_node(node, {"spec": {"unschedulable": True}})
    with plane.scheduler(running.webhooks):
        await kube.pod("by-service", annotations={"neilats.io/peer-services": "db"})
        await kube.pod("by-pods", annotations={"neilats.io/peer-pods": "app=cache"})
        bound = await kube.wait_bound("by-service", "by-pods")
    assert bound == {"by-service": "node-2", "by-pods": "node-3"}


async def test_whole_nodes_work_as_well_as_names(plane: ControlPlane, kube: Kube, running: Running) -> None:
    await kube.patch_node("node-1", {"spec": {"unschedulable": True}})
    with plane.scheduler(running.webhooks, extender={"nodeCacheCapable": False}):
        await kube.pod("preferring", annotations={NEAR: "node-1"})
        await kube.pod("requiring", annotations={NEAR: "node-1", SLA: "5", MODE: "require"})
        assert await kube.wait_bound("preferring", "requiring") == {"preferring": "node-3", "requiring": "node-3"}


async def test_a_require_pod_that_no_node_satisfies_waits_with_the_reason_and_evicts_nobody(
    plane: ControlPlane, kube: Kube, running: Running
) -> None:
    await kube.priority_class("urgent", 100_000)
    fillers = {f"filler-{n}": n for n in NODES}
    for name, node in fillers.items():
        await kube.pod(name, node=node, cpu="7500m", phase="Running")
    await kube.patch_node("node-1", {"spec": {"unschedulable": True}})
    with plane.scheduler(running.webhooks):
        wants = {NEAR: "node-1", SLA: "1", MODE: "require"}
        # One fits beside the fillers and is refused by the extender; the other would have to evict one of them.
        await kube.pod("small", annotations=wants, cpu="100m", priority_class="urgent")
        await kube.pod("large", annotations=wants, cpu="4", priority_class="urgent")
        assert "path to node-1 breaks 1 ms" in await kube.wait_event("small", "FailedScheduling")
        await kube.wait_event("large", "FailedScheduling")
        await asyncio.sleep(3)
        pods = await kube.pods()
    assert pods == {**fillers, "small": "", "large": ""}


async def test_the_same_pod_does_evict_where_the_path_is_good(
    plane: ControlPlane, kube: Kube, running: Running
) -> None:
    await kube.priority_class("urgent", 100_000)
    for node in NODES:
        await kube.pod(f"filler-{node}", node=node, cpu="7500m", phase="Running")
    await kube.patch_node("node-1", {"spec": {"unschedulable": True}})
    with plane.scheduler(running.webhooks):
        wants = {NEAR: "node-1", SLA: "5", MODE: "require"}
        await kube.pod("large", annotations=wants, cpu="4", priority_class="urgent")
        assert await kube.wait_bound("large") == {"large": "node-3"}
        assert set(await kube.pods()) == {"large", "filler-node-1", "filler-node-2", "filler-node-4"}


async def test_a_refused_pod_binds_within_seconds_once_a_path_is_good(
    plane: ControlPlane, kube: Kube, running: Running
) -> None:
    await kube.patch_node("node-1", {"spec": {"unschedulable": True}})
    with plane.scheduler(running.webhooks):
        await kube.pod("waiting", annotations={NEAR: "node-1", SLA: "1", MODE: "require"})
        await kube.wait_event("waiting", "path to node-1 breaks 1 ms")
        await asyncio.sleep(5)
        began = time.monotonic()
        await running.report("node-4", {"node-1": 0.4})
        assert await kube.wait_bound("waiting", timeout_s=15) == {"waiting": "node-4"}
        assert time.monotonic() - began < 15
    assert running.extender.metrics.registry.get_sample_value("neilats_extender_pod_wakes_total", {"outcome": "done"})


async def test_the_one_good_node_of_four_hundred_is_found(plane: ControlPlane, kube: Kube) -> None:
    names = [f"node-{i:03d}" for i in range(400)]
    await asyncio.gather(*(kube.node(name) for name in names))
    async with extending(plane) as running:
        await nodes_known(running, 400)
        await running.report("node-000", {n: 40.0 if n != "node-317" else 1.0 for n in names[1:]})
        await kube.patch_node("node-000", {"spec": {"unschedulable": True}})
        with plane.scheduler(running.webhooks):
            await kube.pod("preferring", annotations={NEAR: "node-000"})
            await kube.pod("requiring", annotations={NEAR: "node-000", SLA: "5", MODE: "require"})
            bound = await kube.wait_bound("preferring", "requiring", timeout_s=60)
    assert bound == {"preferring": "node-317", "requiring": "node-317"}


async def test_with_the_extender_stopped_pods_are_scheduled_all_the_same(plane: ControlPlane, kube: Kube) -> None:
    await kube.nodes(NODES)
    async with extending(plane) as running:
        await nodes_known(running, len(NODES))
        webhooks = running.webhooks
    with plane.scheduler(webhooks):
        await kube.pod("preferring", annotations={NEAR: "node-1"})
        await kube.pod("requiring", annotations={NEAR: "node-1", SLA: "5", MODE: "require"})
        assert all((await kube.wait_bound("preferring", "requiring")).values())


async def test_the_old_labels_place_as_the_old_plugin_did(plane: ControlPlane, kube: Kube, running: Running) -> None:
    with plane.scheduler(running.webhooks):
        await kube.pod("old", labels={"nei_node": "node-1", "sla": "5"})
        assert await kube.wait_bound("old") == {"old": "node-3"}
        await kube.pod("half", labels={"nei_node": "node-1"})
        assert "label nei_node without label sla" in await kube.wait_event("half", "FailedScheduling")


async def test_in_shadow_mode_everything_is_recorded_and_nothing_is_changed(plane: ControlPlane, kube: Kube) -> None:
    await kube.nodes(NODES)
    async with extending(plane, shadow=True) as running:
        await nodes_known(running, len(NODES))
        await running.star("node-1", PATHS)
        with plane.scheduler(running.webhooks):
            await kube.pod("impossible", annotations={NEAR: "node-1", SLA: "0.1", MODE: "require"})
            assert (await kube.wait_bound("impossible"))["impossible"]
        decision = (await running.get("/v1/decisions/default/impossible"))["decisions"][0]
    assert decision["shadow"] is True
    assert set(decision["failed"]) == {"node-2", "node-3", "node-4"}
