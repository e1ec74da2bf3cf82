"""KubeCluster against the real API server, with no more rights than its role gives."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from extender.cluster.api import Reason
from extender.cluster.base import Resolution
from extender.cluster.kube import KubeApi
from extender.cluster.live import KubeCluster
from extender.cluster.watches import Kind
from extender.intents import Intent, Pod
from extender.selectors import parse_selector
from tests.controlplane.kube import Kube
from tests.controlplane.plane import EXTENDER, ControlPlane

pytestmark = [pytest.mark.controlplane, pytest.mark.timeout(120)]

RBAC = "/apis/rbac.authorization.k8s.io/v1"
RULES = [
    {"apiGroups": [""], "resources": ["nodes", "pods", "services"], "verbs": ["list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]},
]
WEB = Pod("default", "web", "unknown", owner="rs-web")
DB = Intent(peer_services=(("default", "db"),))
MATCHING = Intent(peer_pods=parse_selector("app=db"))
RESTARTS: list[tuple[Kind, Reason]] = []


async def until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until something holds; fail where it never does."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds
        await asyncio.sleep(0.01)


@pytest.fixture
async def rights(kube: Kube) -> AsyncIterator[None]:
    """The extender's role, bound to its user."""
    name = {"metadata": {"name": "extender"}}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "extender"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "extender"}
    await kube.ask("POST", f"{RBAC}/clusterroles", name | {"rules": RULES})
    await kube.ask("POST", f"{RBAC}/clusterrolebindings", name | {"roleRef": reference, "subjects": [subject]})
    yield
    await kube.ask("DELETE", f"{RBAC}/clusterrolebindings/extender")
    await kube.ask("DELETE", f"{RBAC}/clusterroles/extender")


@pytest.fixture
async def cluster(plane: ControlPlane, kube: Kube, rights: None) -> AsyncIterator[KubeCluster]:
    RESTARTS.clear()
    api = await KubeApi.open(str(plane.kubeconfig(EXTENDER)))
    made = KubeCluster(api, on_restart=lambda kind, reason: RESTARTS.append((kind, reason)))
    await made.start()
    await until(lambda: made.synced)
    yield made
    await made.close()


async def test_nodes_appear_change_and_disappear(kube: Kube, cluster: KubeCluster) -> None:
    assert not cluster.nodes
    await kube.node("node-1", "10.0.0.1", "fd00::1")
    await until(lambda: "node-1" in cluster.nodes and cluster.nodes["node-1"].ready)
    assert cluster.nodes["node-1"].addresses == ("10.0.0.1", "fd00::1")
    await kube.patch_node("node-1", {"spec": {"unschedulable": True}})
    await until(lambda: not cluster.nodes["node-1"].schedulable)
    before = cluster.nodes_version
    await kube.delete_node("node-1")
    await until(lambda: not cluster.nodes)
    assert cluster.nodes_version != before
    assert RESTARTS == []


async def test_hundreds_of_pods_come_in_pages(kube: Kube, cluster: KubeCluster) -> None:
    made = (kube.pod(f"db-{i}", node=f"node-{i % 3}", labels={"app": "db"}) for i in range(600))
    await asyncio.gather(*made)
    found = await cluster.wait_resolved(MATCHING, WEB, 20)
    assert sorted(found.nodes) == ["node-0", "node-1", "node-2"]
    assert found.weights == pytest.approx((1 / 3, 1 / 3, 1 / 3))


async def test_a_service_resolves_to_the_nodes_of_its_ready_endpoints(kube: Kube, cluster: KubeCluster) -> None:
    assert (await cluster.wait_resolved(DB, WEB, 10)).unresolved == "service default/db does not exist"
    await kube.service("db")
    await until(lambda: cluster.resolve(DB, WEB).unresolved == "service default/db has no ready endpoints")
    await kube.endpoints("db", ["node-1", "node-1", "node-2"])
    await kube.endpoints("db", ["node-3"], slice_name="db-2", ready=False)
    await until(lambda: cluster.resolve(DB, WEB).nodes == ("node-1", "node-2"))
    assert cluster.resolve(DB, WEB).weights == pytest.approx((2 / 3, 1 / 3))
    await kube.endpoints("db", ["node-3"], slice_name="db-2")
    await kube.endpoints("db", [])
    await until(lambda: cluster.resolve(DB, WEB) == Resolution(("node-3",), (1.0,)))


async def test_an_external_name_has_no_endpoints(kube: Kube, cluster: KubeCluster) -> None:
    await kube.service("db", type="ExternalName", externalName="db.example.com")
    found = await cluster.wait_resolved(DB, WEB, 10)
    assert found.unresolved == "service default/db is an ExternalName and has no endpoints"


async def test_matching_pods_count_but_not_siblings_finished_or_unbound_ones(kube: Kube, cluster: KubeCluster) -> None:
    labels = {"app": "db"}
    await kube.pod("db-1", node="node-1", labels=labels, phase="Running")
    await kube.pod("db-2", node="node-2", labels=labels)
    await kube.pod("sibling", node="node-3", labels=labels, owner="rs-web")
    await kube.pod("done", node="node-4", labels=labels, phase="Succeeded")
    await kube.pod("unbound", labels=labels)
    found = await cluster.wait_resolved(MATCHING, WEB, 10)
    assert sorted(found.nodes) == ["node-1", "node-2"]
    await kube.delete_pod("db-1")
    await kube.patch_pod("db-2", {"status": {"phase": "Failed"}}, status=True)
    await until(lambda: cluster.resolve(MATCHING, WEB).unresolved == "no running pod matches app=db")


async def test_a_followed_pod_is_reported_when_kube_scheduler_binds_it(
    plane: ControlPlane, kube: Kube, cluster: KubeCluster
) -> None:
    heard: list[Pod] = []
    cluster.on_bound(heard.append)
    await kube.node("node-1", "10.0.0.1")
    for name in ("web", "gone"):
        cluster.follow(Pod.from_json(await kube.pod(name, annotations={"neilats.io/peer-nodes": "node-1"})))
    await kube.delete_pod("gone")
    with plane.scheduler():
        await until(lambda: len(heard) == 2)
    assert {(p.name, p.node, p.deleted) for p in heard} == {("web", "node-1", False), ("gone", "", True)}
    assert heard[0].annotations == {"neilats.io/peer-nodes": "node-1"}


async def test_a_pod_can_be_annotated_but_not_its_successor(kube: Kube, cluster: KubeCluster) -> None:
    uid = (await kube.pod("web"))["metadata"]["uid"]
    assert await cluster.annotate("default", "web", {"neilats.io/retry-at": "1"}, uid=uid)
    assert (await kube.get_pod("web"))["metadata"]["annotations"]["neilats.io/retry-at"] == "1"
    await kube.delete_pod("web")
    assert not await cluster.annotate("default", "web", {"neilats.io/retry-at": "2"}, uid=uid)
    await kube.pod("web")
    assert not await cluster.annotate("default", "web", {"neilats.io/retry-at": "2"}, uid=uid)
    assert not (await kube.get_pod("web"))["metadata"].get("annotations")


async def test_missing_rights_are_said(kube: Kube, cluster: KubeCluster) -> None:
    role: dict[str, Any] = {"rules": [r for r in RULES if "endpointslices" not in r["resources"]]}
    await kube.ask("PATCH", f"{RBAC}/clusterroles/extender", role, "application/merge-patch+json")
    await asyncio.sleep(0.5)  # the API server's own watch of roles
    found = await cluster.wait_resolved(DB, WEB, 2)
    assert found.pending.startswith("endpointslices of namespace default (403 endpointslices.discovery.k8s.io is forb")


async def test_a_restart_of_the_api_server_loses_nothing(plane: ControlPlane, kube: Kube, cluster: KubeCluster) -> None:
    await kube.node("node-1", "10.0.0.1")
    await kube.pod("db-1", node="node-1", labels={"app": "db"})
    await cluster.wait_resolved(MATCHING, WEB, 10)
    plane.stop_api()
    await until(lambda: len(RESTARTS) >= 2)
    assert cluster.resolve(MATCHING, WEB).nodes == ("node-1",)
    plane.start_api()
    await kube.node("node-2", "10.0.0.2")
    await kube.pod("db-2", node="node-2", labels={"app": "db"})
    await until(lambda: len(cluster.nodes) == 2 and len(cluster.resolve(MATCHING, WEB).nodes) == 2, 60)
