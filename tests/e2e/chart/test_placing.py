"""Pods with each kind of intent land where the links say, scheduled by the chart's kube-scheduler."""

import pytest

from tests.controlplane.kube import Kube
from tests.e2e.chart.release import PAUSE, Release, away_from, placed, promise

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def _everything_is_measured(measured: Release) -> None:
    """No test here begins before that."""


async def test_near_a_node(kube: Kube, release: Release) -> None:
    assert await placed(kube, "ranked", promise("node-1")) == "node-2"
    assert await placed(kube, "preferred", promise("node-1", max_rtt_ms="5")) == "node-2"
    assert await placed(kube, "required", promise("node-1", max_rtt_ms="5", mode="require")) == "node-2"
    assert await placed(kube, "between", promise("node-1,node-4"), off=("node-1", "node-4")) == "node-3"
    said = await kube.wait_event("required", "LatencyPlacement")
    assert "node-2" in said
    assert "node-1" in said
    assert release.ask("explain", "default/required")["decisions"][0]["node"] == "node-2"


async def test_near_a_services_endpoints(kube: Kube) -> None:
    labels = {"app": "db"}
    await kube.service("db", type="ClusterIP", selector=labels, ports=[{"port": 80}])
    try:
        await kube.pod("db", node="node-4", labels=labels, containers=PAUSE)
        await kube.wait_phase("db", "Running")
        wanted = promise(peer_services="db", max_rtt_ms="8")
        assert await placed(kube, "api", wanted, off=("node-4",)) == "node-3"
        assert await placed(kube, "strict", wanted | promise(mode="require"), off=("node-4",)) == "node-3"
    finally:
        await kube.ask("DELETE", "/api/v1/namespaces/default/services/db")


async def test_near_pods_of_a_selector(kube: Kube) -> None:
    await kube.pod("camera", node="node-3", labels={"app": "camera"}, containers=PAUSE)
    await kube.wait_phase("camera", "Running")
    wanted = promise(peer_pods="app=camera", max_rtt_ms="8")
    assert await placed(kube, "viewer", wanted, off=("node-3",)) == "node-4"
    assert await placed(kube, "strict", wanted | promise(mode="require"), off=("node-3",)) == "node-4"


async def test_with_the_old_labels(kube: Kube) -> None:
    old = {"nei_node": "node-1", "sla": "5"}
    assert await placed(kube, "old", {}, off=(), labels=old) == "node-2"


async def test_what_no_node_keeps_waits_and_says_why_and_evicts_nobody(kube: Kube) -> None:
    await kube.priority_class("urgent", 1000)
    try:
        await kube.pod("bystander", containers=PAUSE)
        await kube.wait_bound("bystander")
        strict = promise("node-1", max_rtt_ms="1", mode="require")
        spec = {"containers": PAUSE, "affinity": away_from("node-1"), "priority_class": "urgent"}
        await kube.pod("impossible", annotations=strict, **spec)
        assert "path to node-1 breaks 1 ms" in await kube.wait_event("impossible", "FailedScheduling")
        assert await kube.wait_bound("bystander") == await kube.wait_bound("bystander")
        assert (await kube.pods())["impossible"] == ""
    finally:
        await kube.ask("DELETE", "/apis/scheduling.k8s.io/v1/priorityclasses/urgent")


async def test_a_mistaken_intent_is_told_on_the_pod(kube: Kube, release: Release) -> None:
    await kube.pod("mistaken", annotations=promise("node-1", max_rtt_ms="soon"), containers=PAUSE)
    assert "max-rtt-ms" in await kube.wait_event("mistaken", "InvalidLatencyIntent", timeout_s=60)
    assert "intent-invalid" in release.complaints()


def test_the_chart_tests_itself(release: Release) -> None:
    assert "Succeeded" in release.helm("test", "--timeout", "120s")
