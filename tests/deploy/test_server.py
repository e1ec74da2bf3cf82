"""The chart on the real API server: it takes every combination, lets nobody do more, and gives everything back."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane.kube import Kube
from tests.controlplane.plane import Process, free_port, wait_for
from tests.deploy.chart import OPERATOR, Helm, Rendered, binary
from tests.deploy.server import NAMESPACE, Server
from tests.deploy.test_workloads import each_ci

pytestmark = [pytest.mark.controlplane, pytest.mark.timeout(180)]

KINDS = (
    "serviceaccounts,secrets,configmaps,services,deployments,daemonsets,roles,rolebindings,poddisruptionbudgets,"
    "networkpolicies,pods,leases,clusterroles,clusterrolebindings,mutatingadmissionpolicies,mutatingadmissionpolicybindings"
)
EXTENDER = f"system:serviceaccount:{NAMESPACE}:neilats-extender"
SCHEDULER = f"system:serviceaccount:{NAMESPACE}:neilats-scheduler"
LEFT_BEHIND = "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: neilats-events}}"
NEAR = {"neilats.io/peer-nodes": "node-1"}


@pytest.fixture
def installed(server: Server) -> Iterator[Server]:
    """The chart installed with its defaults; removed afterwards."""
    server.install()
    yield server
    server.uninstall()


@each_ci
def test_the_server_takes_every_combination(helm: Helm, server: Server, values: Path) -> None:
    helm.apis = OPERATOR
    text = helm.text(values)
    objects = [o for o in text.split("\n---\n") if "\nkind: " in f"\n{o}"]
    assert len(server.apply(text, dry_run=True)) == len(objects)


@pytest.mark.parametrize("split", [False, True])
def test_kube_scheduler_takes_its_configuration(helm: Helm, server: Server, tmp_path: Path, split: bool) -> None:
    rendered = helm.render(split=split)
    rendered.lay_out("Deployment/neilats-scheduler/kube-scheduler", tmp_path)
    config = rendered.scheduler_config()
    config["clientConnection"] = {"kubeconfig": str(server.plane.kubeconfig())}
    config["leaderElection"]["resourceName"] = "configuration"
    text = json.dumps(config).replace("/etc/kubernetes", f"{tmp_path}/etc/kubernetes")
    (tmp_path / "config.json").write_text(text)
    process = start_scheduler(tmp_path)
    try:
        until_logged(process, "successfully acquired lease")
    finally:
        process.stop()


def start_scheduler(folder: Path) -> Process:
    return Process(
        folder / "kube-scheduler.log",
        binary("kube-scheduler"),
        f"--config={folder / 'config.json'}",
        f"--secure-port={free_port()}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={folder}",
    )


def test_a_lease_that_helm_made_is_kept_by_its_holder_and_by_upgrades(installed: Server, tmp_path: Path) -> None:
    config = Rendered([*yaml.safe_load_all(installed.helm("get", "manifest", "neilats"))]).scheduler_config()
    config |= {"clientConnection": {"kubeconfig": str(installed.plane.kubeconfig())}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    process = start_scheduler(tmp_path)
    try:
        until_logged(process, "successfully acquired lease")
        installed.install(intervalSeconds=5)
    finally:
        process.stop()
    found = installed.kubectl("-n", NAMESPACE, "get", "lease", "neilats-scheduler", "-o", "json")
    lease = json.loads(found)
    assert lease["spec"]["leaseTransitions"] >= 1
    assert lease["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"


def until_logged(process: Process, words: str) -> None:
    wait_for(words, lambda: process.running() and words in process.log.read_text().lower(), f"see {process.log}")


def secrets(server: Server) -> dict[str, Any]:
    items = json.loads(server.kubectl("-n", NAMESPACE, "get", "secrets", "-o", "json"))["items"]
    return {s["metadata"]["name"]: s.get("data") for s in items if s["type"] == "kubernetes.io/tls"}


def test_an_upgrade_keeps_the_certificates_that_helm_made(server: Server) -> None:
    try:
        server.install(split=True)
        before = secrets(server)
        assert set(before) == {"neilats-tls", "neilats-webhook-client"}
        server.install(split=True, intervalSeconds=5)
        assert secrets(server) == before
    finally:
        server.uninstall()


def test_a_deleted_certificate_is_made_anew_by_the_next_upgrade(installed: Server) -> None:
    before = secrets(installed)
    installed.kubectl("-n", NAMESPACE, "delete", "secret", "neilats-tls")
    installed.install()
    after = secrets(installed)
    assert set(after) == set(before)
    assert after != before


def test_an_uninstall_leaves_nothing_behind(server: Server) -> None:
    server.install(admission__enabled=True, split=True, metrics__podMonitor__enabled=True)
    own = ("-A", "-l", "app.kubernetes.io/name=neilats", "-o", "name")
    there = server.kubectl("get", KINDS, *own)
    assert "deployment.apps/neilats-scheduler" in there
    assert "lease.coordination.k8s.io/neilats-scheduler" in there
    server.uninstall()
    assert server.kubectl("get", KINDS, *own) == ""


def test_a_lease_that_was_left_behind_does_not_stand_in_the_way(server: Server) -> None:
    server.kubectl("-n", NAMESPACE, "create", "-f", "-", stdin=LEFT_BEHIND)
    try:
        server.install()
        server.install(intervalSeconds=5)
    finally:
        server.uninstall()
        server.kubectl("-n", NAMESPACE, "delete", "lease", "neilats-events")


def test_the_notes_say_what_to_do_next(installed: Server) -> None:
    notes = installed.helm("get", "notes", "neilats")
    assert "schedulerName: neilats-scheduler" in notes
    assert "kubectl -n neilats exec deploy/neilats-scheduler -c extender -- neilats explain" in notes
    assert "rendered without a cluster" not in notes


def test_extender_only_the_notes_have_the_snippet_for_the_main_scheduler(server: Server) -> None:
    try:
        server.install(mode="extender-only")
        notes = server.helm("get", "notes", "neilats")
    finally:
        server.uninstall()
    assert "   extenders:\n   - urlPrefix: http://127.0.0.1:8888/scheduler\n     filterVerb: filter\n" in notes


async def may(
    kube: Kube, user: str, verb: str, resource: str, namespace: str = "", name: str = "", group: str = ""
) -> bool:
    what = {"verb": verb, "resource": resource, "namespace": namespace, "name": name, "group": group}
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}", "system:authenticated"]
    review = {"spec": {"user": user, "groups": groups, "resourceAttributes": what}}
    found = await kube.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(found["status"]["allowed"])


async def test_the_two_accounts_may_do_their_work_and_no_more(installed: Server, kube: Kube) -> None:
    leases = {"namespace": NAMESPACE, "group": "coordination.k8s.io"}
    assert await may(kube, EXTENDER, "watch", "nodes")
    assert await may(kube, EXTENDER, "patch", "pods", "shop")
    assert await may(kube, EXTENDER, "update", "leases", name="neilats-events", **leases)
    assert await may(kube, EXTENDER, "create", "tokenreviews", group="authentication.k8s.io")
    assert await may(kube, SCHEDULER, "update", "leases", name="neilats-scheduler", **leases)
    assert await may(kube, SCHEDULER, "create", "pods/binding", "shop") or await may(
        kube, SCHEDULER, "create", "bindings", "shop"
    )
    for verb, resource in (
        ("get", "secrets"),
        ("delete", "pods"),
        ("create", "pods"),
        ("patch", "nodes"),
        ("get", "configmaps"),
    ):
        assert not await may(kube, EXTENDER, verb, resource, NAMESPACE), (verb, resource)
    assert not await may(kube, EXTENDER, "update", "leases", name="neilats-scheduler", **leases)
    assert not await may(kube, SCHEDULER, "update", "leases", name="neilats-events", **leases)
    assert not await may(kube, f"system:serviceaccount:{NAMESPACE}:neilats-prober", "list", "pods", NAMESPACE)


async def scheduler_of(kube: Kube, name: str, namespace: str = "default", **fields: Any) -> str:
    made = await kube.pod(name, namespace=namespace, **fields)
    await kube.delete_pod(name, namespace)
    return str(made["spec"]["schedulerName"])


async def effective(kube: Kube) -> None:
    """Return once the policy acts; the server reads new policies now and then."""
    end = time.monotonic() + 60
    while await scheduler_of(kube, "probe", annotations=NEAR, scheduler="default-scheduler") == "default-scheduler":
        assert time.monotonic() < end, "the policy does not act"
        await asyncio.sleep(0.5)


async def test_the_policy_sends_annotated_pods_to_neilats_and_no_others(server: Server, kube: Kube) -> None:
    ours, default = "neilats-scheduler", "default-scheduler"
    old = {"nei_node": "node-1", "sla": "5"}
    await kube.namespace("quiet")
    try:
        server.install(admission__enabled=True, admission__excludedNamespaces=["kube-system", "quiet"])
        await effective(kube)
        assert await scheduler_of(kube, "a", annotations={"neilats.io/peer-services": "db"}, scheduler=default) == ours
        assert await scheduler_of(kube, "b", labels=old, scheduler=default) == ours
        assert await scheduler_of(kube, "c", scheduler=default) == default
        assert await scheduler_of(kube, "d", annotations={"neilats.io/mode": "require"}, scheduler=default) == default
        assert await scheduler_of(kube, "e", annotations=NEAR, scheduler="volcano") == "volcano"
        assert await scheduler_of(kube, "f", labels={"sla": "5"}, scheduler=default) == default
        assert await scheduler_of(kube, "g", annotations=NEAR, node="node-9", scheduler=default) == default
        daemons = {"owner": "daemons", "owner_kind": "DaemonSet"}
        assert await scheduler_of(kube, "i", annotations=NEAR, scheduler=default, **daemons) == default
        assert await scheduler_of(kube, "j", annotations=NEAR, scheduler=default, owner="replicas") == ours
        for namespace in ("kube-system", NAMESPACE, "quiet"):
            assert await scheduler_of(kube, "h", namespace, annotations=NEAR, scheduler=default) == default
    finally:
        server.uninstall()


@pytest.mark.parametrize(
    ("version", "apis", "found"),
    [
        ("v1.36.0", (), "v1"),
        ("v1.37.2", (), "v1"),
        ("v1.35.1", ("v1beta1", "v1alpha1"), "v1beta1"),
        ("v1.33.1", ("v1alpha1",), "v1alpha1"),
    ],
)
def test_the_policy_is_of_the_newest_version_that_the_cluster_serves(
    helm: Helm, version: str, apis: tuple[str, ...], found: str
) -> None:
    helm.kube_version = version
    helm.apis = [f"admissionregistration.k8s.io/{api}/MutatingAdmissionPolicy" for api in apis]
    rendered: Rendered = helm.render(admission__enabled=True)
    for kind in ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"):
        assert rendered.get(kind, "neilats-scheduler-name")["apiVersion"] == f"admissionregistration.k8s.io/{found}"


def test_a_cluster_without_such_policies_is_told_so(helm: Helm) -> None:
    helm.kube_version = "v1.35.1"
    assert "serves no MutatingAdmissionPolicy" in helm.refusal(admission__enabled=True)
