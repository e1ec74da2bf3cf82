"""`neilats doctor` against the real API server: a cluster that is wrong in many ways, a healthy one, and few rights.

Nothing runs on these nodes, so that the metrics are covered by tests/neilats/doctor with an API server of their own.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from neilats.cli import cli
from tests.controlplane.kube import Kube
from tests.controlplane.plane import ADMIN, EXTENDER, ControlPlane
from tests.neilats.doctor.builders import GOOD_EXTENDER

pytestmark = [pytest.mark.controlplane, pytest.mark.timeout(120)]

NS = "neilats"
LABELS = {"app.kubernetes.io/part-of": "neilats"}
MAPS, DAEMONSETS = f"/api/v1/namespaces/{NS}/configmaps", f"/apis/apps/v1/namespaces/{NS}/daemonsets"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
BAD = {
    "urlPrefix": "http://10.0.0.9:8888/scheduler",
    "prioritizeVerb": "prioritize",
    "weight": 5,
    "httpTimeout": "100ms",
}


class Installed:
    """Objects as the chart makes them, or as they should not be; nothing controls them here."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube

    async def scheduler(self, extender: dict[str, Any], percentage: int | None = 100) -> None:
        profile = {"schedulerName": "neilats-scheduler"}
        config = {
            "apiVersion": "kubescheduler.config.k8s.io/v1",
            "kind": "KubeSchedulerConfiguration",
            "profiles": [profile | ({"percentageOfNodesToScore": percentage} if percentage else {})],
            "extenders": [extender],
        }
        meta = {"name": "neilats-scheduler-config", "labels": LABELS}
        await self.kube.ask("POST", MAPS, {"metadata": meta, "data": {"config.yaml": yaml.safe_dump(config)}})

    async def probers(self, **container: Any) -> None:
        labels = LABELS | {"app.kubernetes.io/component": "prober"}
        spec = {"containers": [{"name": "prober", "image": "neilats:1"} | container]}
        body = {
            "metadata": {"name": "neilats-prober", "labels": labels},
            "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
        }
        await self.kube.ask("POST", DAEMONSETS, body)

    async def pod(self, name: str, node: str, labels: dict[str, str], ready: bool = True) -> None:
        await self.kube.pod(name, namespace=NS, node=node, labels=LABELS | labels)
        condition = {"type": "Ready", "status": "True" if ready else "False"}
        await self.kube.patch_pod(name, {"status": {"phase": "Running", "conditions": [condition]}}, NS, status=True)

    async def lease(self, node: str, behind_s: float = 0.0) -> None:
        when = datetime.now(UTC) - timedelta(seconds=behind_s)
        spec = {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": when.isoformat()}
        await self.kube.ask("POST", LEASES, {"metadata": {"name": node}, "spec": spec})


@pytest.fixture
async def installed(kube: Kube) -> AsyncIterator[Installed]:
    for name in (NS, "kube-node-lease"):
        await kube.namespace(name)
    yield Installed(kube)
    for path in (MAPS, DAEMONSETS, LEASES):
        await kube.ask("DELETE", path)


async def doctor(plane: ControlPlane, *args: str, token: str = ADMIN) -> Result:
    command = ("doctor", "--kubeconfig", str(plane.kubeconfig(token)), "--watch", "0", *args)
    result = await asyncio.to_thread(CliRunner().invoke, cli, command)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


async def found(plane: ControlPlane) -> dict[str, list[str]]:
    """What is wrong, by check."""
    result = await doctor(plane, "--json")
    report = json.loads(result.stdout)
    ids = dict.fromkeys(f["id"] for f in report["findings"])
    assert result.exit_code == (1 if ids else 0), result.output
    return {i: [f"{f['where']}: {f['what']}" for f in report["findings"] if f["id"] == i] for i in ids}


async def test_a_cluster_without_neilats_is_told_to_install_it(plane: ControlPlane, kube: Kube) -> None:
    await kube.node("node-1", "10.0.0.1")
    assert {"extender-missing", "probers-missing", "scheduler-without-neilats"} == set(await found(plane))
    told = await doctor(plane)
    assert "ERROR extender-missing" in told.output
    assert "helm upgrade --install neilats" in told.output
    assert "not checked: " in told.output


async def test_a_careless_scheduler_configuration_is_taken_apart(
    plane: ControlPlane, kube: Kube, installed: Installed
) -> None:
    await installed.scheduler(BAD, percentage=None)
    await kube.node("node-1", "10.0.0.1")
    require = {"neilats.io/peer-nodes": "node-1", "neilats.io/max-rtt-ms": "5", "neilats.io/mode": "require"}
    await kube.pod("web", annotations=require)
    problems = await found(plane)
    assert {
        "scheduler-sends-nodes",
        "scheduler-not-ignorable",
        "scheduler-does-not-filter",
        "scheduler-evicts-in-vain",
        "scheduler-samples-nodes",
        "scheduler-calls-in-plain",
        "scheduler-weighs-little",
        "scheduler-hangs-up-early",
    } <= set(problems)
    assert "scheduler-does-not-score" not in problems
    assert "default/web" in problems["scheduler-evicts-in-vain"][0]


async def test_pods_that_ask_in_vain_are_named(plane: ControlPlane, kube: Kube, installed: Installed) -> None:
    await installed.scheduler(GOOD_EXTENDER)
    await kube.node("node-1", "10.0.0.1")
    await kube.service("empty")
    await kube.pod("elsewhere", annotations={"neilats.io/peer-nodes": "node-1"}, scheduler="default-scheduler")
    await kube.pod("misspelt", annotations={"neilats.io/peer-node": "node-1"})
    await kube.pod("lonely", annotations={"neilats.io/peer-services": "empty,gone", "neilats.io/peer-pods": "app=db"})
    problems = await found(plane)
    assert [w.partition(":")[0] for w in problems["intent-unheard"]] == ["pod default/elsewhere"]
    assert "did you mean neilats.io/peer-nodes?" in problems["intent-invalid"][0]
    assert problems["intent-peer-missing"] == [
        "pod default/lonely: service default/empty has no ready endpoints; service default/gone does not exist; "
        "no running pod matches app=db"
    ]


async def test_a_pod_that_no_node_suits_is_shown_with_kube_schedulers_words(
    plane: ControlPlane, kube: Kube, installed: Installed
) -> None:
    await installed.scheduler(GOOD_EXTENDER)
    await kube.node("node-1", "10.0.0.1")
    require = {"neilats.io/peer-nodes": "node-1", "neilats.io/max-rtt-ms": "5", "neilats.io/mode": "require"}
    await kube.pod("web", annotations=require)
    said = "0/1 nodes are available: 1 path to node-1 breaks 5 ms."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}
    await kube.patch_pod("web", {"status": {"conditions": [condition]}}, status=True)
    assert said in (await found(plane))["intent-unschedulable"][0]
    assert "neilats score node-1 --sla-ms 5" in (await doctor(plane)).output


async def test_nodes_without_a_prober_and_limits_and_clocks_are_found(
    plane: ControlPlane, kube: Kube, installed: Installed
) -> None:
    await installed.scheduler(GOOD_EXTENDER)
    await installed.probers(resources={"limits": {"cpu": "100m"}})
    for name, behind_s in (("node-1", 0.0), ("node-2", 3.0), ("node-3", 300.0)):
        await kube.node(name, "10.0.0.1")
        await installed.lease(name, behind_s)
    await kube.patch_node("node-3", {"spec": {"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]}})
    for name in ("node-1", "node-2"):
        await installed.pod(f"prober-{name}", name, {"app.kubernetes.io/component": "prober"}, ready=name == "node-1")
    problems = await found(plane)
    assert problems["prober-missing-on-node"] == [
        "node node-3: no prober: the DaemonSet does not tolerate gpu=yes:NoSchedule"
    ]
    assert problems["prober-not-ready"][0].startswith("pod prober-node-2")
    assert "resources.limits.cpu is 100m" in problems["prober-cpu-limit"][0]
    assert [w.partition(":")[0] for w in problems["node-clock-off"]] == ["node node-3"]


async def test_a_healthy_cluster_has_no_findings(plane: ControlPlane, kube: Kube, installed: Installed) -> None:
    await installed.scheduler(GOOD_EXTENDER)
    await installed.probers()
    await kube.node("node-1", "10.0.0.1")
    await installed.lease("node-1")
    await installed.pod("neilats-prober-1", "node-1", {"app.kubernetes.io/component": "prober"})
    await installed.pod("neilats-scheduler-1", "node-1", {"neilats.io/extender": "true"})
    await kube.pod("web", annotations={"neilats.io/peer-nodes": "node-1"})
    assert await found(plane) == {}
    told = await doctor(plane)
    assert told.exit_code == 0
    assert "Nothing is wrong in what was checked:" in told.output
    assert "0 errors, 0 warnings, " in told.output


async def test_what_may_not_be_read_is_said_and_is_no_finding(plane: ControlPlane, kube: Kube) -> None:
    result = await doctor(plane, "--json", token=EXTENDER)  # this user may do nothing
    report = json.loads(result.stdout)
    assert (result.exit_code, report["findings"], report["checked"]) == (0, [], [])
    notes = "\n".join(report["notes"])
    for needs in ("list nodes", "list pods in all namespaces", "list configmaps", "list deployments.apps"):
        assert needs in notes


async def test_the_rights_in_the_documentation_are_enough(
    plane: ControlPlane, kube: Kube, installed: Installed
) -> None:
    role, name = "/apis/rbac.authorization.k8s.io/v1/clusterrole", {"metadata": {"name": "doctor"}}
    rules = yaml.safe_load(_documented_rules())
    group = "rbac.authorization.k8s.io"
    await kube.ask("POST", f"{role}s", name | {"rules": rules})
    subjects = [{"apiGroup": group, "kind": "User", "name": "extender"}]
    reference = {"apiGroup": group, "kind": "ClusterRole", "name": "doctor"}
    await kube.ask("POST", f"{role}bindings", name | {"roleRef": reference, "subjects": subjects})
    try:
        await installed.scheduler(GOOD_EXTENDER)
        await kube.node("node-1", "10.0.0.1")
        await kube.pod("web", annotations={"neilats.io/peer-services": "gone"})
        report = json.loads((await doctor(plane, "--json", token=EXTENDER)).stdout)
        unasked = [n for n in report["notes"] if n.startswith("not checked:")]
        assert all("that answers)" in n for n in unasked), unasked
        assert "intent-peer-missing" in {f["id"] for f in report["findings"]}
    finally:
        await kube.ask("DELETE", f"{role}bindings/doctor")
        await kube.ask("DELETE", f"{role}s/doctor")


def _documented_rules() -> str:
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text()
    return text.partition("```yaml\n")[2].partition("```")[0]
