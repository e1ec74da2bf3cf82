"""What `kubectl describe pod` shows: events that the extender writes, with the real API server and kube-scheduler.

The extender has the rights here that the documentation names, and no other.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import pytest

from tests.controlplane.kube import Kube
from tests.controlplane.plane import EXTENDER, ControlPlane
from tests.controlplane.test_cluster import RBAC, RULES
from tests.controlplane.test_placement import MODE, NEAR, NODES, PATHS, SLA, Running, extending, nodes_known

pytestmark = [pytest.mark.controlplane, pytest.mark.timeout(180)]

LEASE = "/apis/coordination.k8s.io/v1/namespaces/default/leases/neilats-events"
KEEPING = {NEAR: "node-1", SLA: "5"}
EVENT_RULES = [
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "get", "patch"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "update"]},
]


@pytest.fixture(autouse=True)
async def rights(kube: Kube) -> AsyncIterator[None]:
    """The extender's rights, while a test runs."""
    meta = {"name": "extender-with-events"}
    group = "rbac.authorization.k8s.io"
    subjects = [{"kind": "User", "name": "extender", "apiGroup": group}]
    role = {"kind": "ClusterRole", "name": meta["name"], "apiGroup": group}
    await kube.ask("POST", f"{RBAC}/clusterroles", {"metadata": meta, "rules": RULES + EVENT_RULES})
    body = {"metadata": meta, "roleRef": role, "subjects": subjects}
    await kube.ask("POST", f"{RBAC}/clusterrolebindings", body)
    yield
    for kind in ("clusterrolebindings", "clusterroles"):
        await kube.ask("DELETE", f"{RBAC}/{kind}/{meta['name']}")


def speaking(plane: ControlPlane, **settings: Any) -> AbstractAsyncContextManager[Running]:
    """An extender with these rights that looks at promises often."""
    return extending(plane, kubeconfig=str(plane.kubeconfig(EXTENDER)), promise_check_s=0.2, **settings)


@pytest.fixture
async def running(plane: ControlPlane, kube: Kube) -> AsyncIterator[Running]:
    """Four nodes, with node-3 nearest to node-1, and an extender that knows it and looks often."""
    await kube.nodes(NODES)
    async with speaking(plane) as found:
        await nodes_known(found, len(NODES))
        await found.star("node-1", PATHS)
        yield found


async def events(kube: Kube, pod: str, reason: str) -> list[dict[str, Any]]:
    """The events of one reason about a pod."""
    found = await kube.items(f"/api/v1/namespaces/default/events?fieldSelector=involvedObject.name={pod}")
    return [e for e in found if e["reason"] == reason]


async def placed(running: Running, state: str, **narrowed: str) -> list[dict[str, Any]]:
    """The placed pods once one of them has a state."""
    query = "&".join(f"{k}={v}" for k, v in narrowed.items())
    for _ in range(500):
        pods = (await running.get(f"/v1/placements?{query}")).get("pods", [])
        if any(p["state"] == state for p in pods):
            return pods
        await asyncio.sleep(0.02)
    raise AssertionError(f"no pod is {state} after 10 s, but {pods}")


async def test_a_bound_pod_says_why_it_is_on_its_node(plane: ControlPlane, kube: Kube, running: Running) -> None:
    await kube.patch_node("node-1", {"spec": {"unschedulable": True}})
    with plane.scheduler(running.webhooks):
        await kube.pod("web", annotations=KEEPING)
        await kube.wait_bound("web")
        text = await kube.wait_event("web", "LatencyPlacement")
    assert text.startswith(
        "LatencyPlacement: on node-3: 2 ms to node-1 (promise 5 ms), score 10 of 10, profile forecast"
    )
    (event,) = await events(kube, "web", "LatencyPlacement")
    assert (event["type"], event["source"]["component"], event["count"]) == ("Normal", "neilats", 1)
    assert event["involvedObject"]["uid"] == (await kube.get_pod("web"))["metadata"]["uid"]


async def test_a_pod_without_a_measured_path_says_that_latency_did_not_count(plane: ControlPlane, kube: Kube) -> None:
    await kube.nodes(NODES)
    async with speaking(plane) as running:
        await nodes_known(running, len(NODES))
        with plane.scheduler(running.webhooks):
            await kube.patch_node("node-4", {"spec": {"unschedulable": True}})
            await kube.pod("web", annotations={NEAR: "node-4"})
            await kube.wait_bound("web")
            text = await kube.wait_event("web", "LatencyPlacement")
    assert text.endswith("latency did not count: no candidate's path is measured")


async def test_a_mistake_is_told_at_the_decision_and_of_pods_that_are_there_already(
    plane: ControlPlane, kube: Kube, running: Running
) -> None:
    wrong = {NEAR: "node-1", SLA: "soon"}
    await kube.pod("old", annotations=wrong, node="node-2", phase="Running")
    with plane.scheduler(running.webhooks):
        await kube.pod("new", annotations=wrong)
        for name in ("old", "new"):
            text = await kube.wait_event(name, "InvalidLatencyIntent")
            assert "neilats.io/max-rtt-ms='soon': expected milliseconds above 0" in text
            assert 'neilats.io/max-rtt-ms: "5"' in text
    (row,) = (await running.get("/v1/placements?pod=old"))["pods"]
    assert (row["state"], row["max_rtt_ms"]) == ("unmeasured", None)


async def test_a_promise_that_breaks_and_holds_again_is_told(kube: Kube, running: Running) -> None:
    await kube.pod("web", annotations=KEEPING, node="node-3", phase="Running")
    (row,) = await placed(running, "kept", namespace="default", pod="web")
    assert (row["node"], row["peers"], row["max_rtt_ms"]) == ("node-3", ["node-1"], 5.0)
    assert row["scheduler"] == "neilats-scheduler"
    await running.report("node-3", {"node-1": 8.2})
    text = await kube.wait_event("web", "LatencyPromiseBroken")
    assert text == "LatencyPromiseBroken: path to node-1 breaks 5 ms: 10 of 10 recent samples above (median 8.2 ms)"
    assert running.extender.metrics.registry.get_sample_value("neilats_placed_pods", {"state": "broken"}) == 1
    await running.report("node-3", {"node-1": 1.5})
    text = await kube.wait_event("web", "LatencyPromiseKept")
    assert text == "LatencyPromiseKept: path to node-1 keeps 5 ms: 10 of 10 recent samples within (median 1.5 ms)"
    assert [e["type"] for e in await events(kube, "web", "LatencyPromiseBroken")] == ["Warning"]
    await running.report("node-3", {"node-1": 7.1})
    await kube.wait_event("web", "(median 7.1 ms)")
    assert [e["count"] for e in await events(kube, "web", "LatencyPromiseBroken")] == [2]
    await kube.delete_pod("web")
    for _ in range(500):
        if not (await running.get("/v1/placements"))["pods"]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the deleted pod is still there after 10 s")


async def test_a_broken_promise_is_told_once_and_not_again_after_a_restart(plane: ControlPlane, kube: Kube) -> None:
    await kube.nodes(NODES)
    await kube.pod("web", annotations=KEEPING, node="node-3", phase="Running")
    for _ in range(2):
        async with speaking(plane) as running:
            await nodes_known(running, len(NODES))
            await running.report("node-3", {"node-1": 8.2})
            await kube.wait_event("web", "LatencyPromiseBroken")
            await placed(running, "broken")
            await asyncio.sleep(1)
    (event,) = await events(kube, "web", "LatencyPromiseBroken")
    assert event["count"] == 1


async def test_a_scheduler_without_the_filter_verb_is_told_on_require_pods(plane: ControlPlane, kube: Kube) -> None:
    await kube.nodes(NODES)
    async with speaking(plane, webhook_verbs=("prioritize", "preempt")) as running:
        await nodes_known(running, len(NODES))
        with plane.scheduler(running.webhooks, extender={"filterVerb": ""}):
            await kube.pod("web", annotations=KEEPING | {MODE: "require"})
            text = await kube.wait_event("web", "LatencyNotEnforced")
    assert text.startswith("LatencyNotEnforced: filter is not called")


async def test_one_pod_that_was_not_filtered_is_not_complained_about_yet(
    plane: ControlPlane, kube: Kube, running: Running
) -> None:
    with plane.scheduler(running.webhooks, extender={"filterVerb": ""}):
        await kube.pod("web", annotations=KEEPING | {MODE: "require"})
        await kube.wait_event("web", "LatencyPlacement")
    assert await events(kube, "web", "LatencyNotEnforced") == []


async def test_a_scheduler_with_all_verbs_is_not_complained_about(
    plane: ControlPlane, kube: Kube, running: Running
) -> None:
    with plane.scheduler(running.webhooks):
        await kube.pod("web", annotations=KEEPING | {MODE: "require"})
        await kube.wait_event("web", "LatencyPlacement")
    assert await events(kube, "web", "LatencyNotEnforced") == []


async def test_of_two_replicas_with_a_lease_one_speaks_and_the_other_follows(plane: ControlPlane, kube: Kube) -> None:
    await kube.nodes(NODES)
    await kube.pod("web", annotations=KEEPING, node="node-3", phase="Running")
    lease = "default/neilats-events"
    async with AsyncExitStack() as first, AsyncExitStack() as second:
        one = await first.enter_async_context(speaking(plane, events_lease=lease))
        await leads(one)
        two = await second.enter_async_context(speaking(plane, events_lease=lease))
        for running in (one, two):
            await nodes_known(running, len(NODES))
            await running.report("node-3", {"node-1": 2.0})
            await placed(running, "kept")
        for running in (one, two):
            await running.report("node-3", {"node-1": 8.2})
            await placed(running, "broken")
        await kube.wait_event("web", "LatencyPromiseBroken")
        assert not two.extender.voice.announcer.speaks
        await first.aclose()
        assert (await kube.ask("GET", LEASE))["spec"].get("holderIdentity", "") == ""
        await leads(two)
        await two.report("node-3", {"node-1": 1.0})
        await kube.wait_event("web", "LatencyPromiseKept")
    (event,) = await events(kube, "web", "LatencyPromiseBroken")
    assert event["count"] == 1
    await kube.ask("DELETE", LEASE)


async def leads(running: Running) -> None:
    """Wait until a replica may speak."""
    for _ in range(1000):
        if running.extender.voice.announcer.speaks:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("this replica may not speak after 20 s")


async def test_without_events_promises_are_still_counted(plane: ControlPlane, kube: Kube) -> None:
    await kube.nodes(NODES)
    await kube.pod("web", annotations=KEEPING, node="node-3", phase="Running")
    async with speaking(plane, events=False) as running:
        await nodes_known(running, len(NODES))
        await running.report("node-3", {"node-1": 8.2})
        await placed(running, "broken")
    assert await kube.events_of("web") == []
