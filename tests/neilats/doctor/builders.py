"""Facts made of the JSON that an API server and the components' /metrics would give."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import yaml

from extender.cluster.tables import ServiceTable, SliceTable
from neilats.doctor.facts import Facts
from neilats.doctor.finding import Check, Finding
from neilats.doctor.kubescheduler import SchedulerConfig, find_configs
from neilats.doctor.objects import ConfigMap, Lease, Node
from neilats.doctor.pods import PodItem, Workload
from neilats.doctor.samples import Samples, Scrape

OURS = {"app.kubernetes.io/name": "other", "app.kubernetes.io/part-of": "neilats"}
EXTENDER = OURS | {"neilats.io/extender": "true"}
PROBER = OURS | {"app.kubernetes.io/component": "prober"}
READY = {"type": "Ready", "status": "True"}
GOOD_EXTENDER = {
    "urlPrefix": "http://127.0.0.1:8888/scheduler",
    "filterVerb": "filter",
    "prioritizeVerb": "prioritize",
    "preemptVerb": "preempt",
    "weight": 100,
    "nodeCacheCapable": True,
    "ignorable": True,
    "httpTimeout": "1s",
}


def found(check: Check, facts: Facts) -> list[Finding]:
    """What a check finds."""
    return check.run(facts)


def texts(check: Check, facts: Facts) -> list[str]:
    """What a check finds, as `where: what`."""
    return [f"{f.where}: {f.what}" for f in check.run(facts)]


def scheduler_config(
    *extenders: Mapping[str, Any],
    profile: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] = OURS,
    release: str = "",
    namespace: str = "neilats",
    **fields: Any,
) -> SchedulerConfig:
    """A KubeSchedulerConfiguration in the chart's ConfigMap."""
    profiles = [{"schedulerName": "neilats-scheduler", "percentageOfNodesToScore": 100, **(profile or {})}]
    document = {"kind": "KubeSchedulerConfiguration", "profiles": profiles, "extenders": list(extenders), **fields}
    meta = {
        "name": "neilats-scheduler-config",
        "namespace": namespace,
        "labels": labels,
        "annotations": made_by(release),
    }
    return find_configs(
        [msgspec.convert({"metadata": meta, "data": {"config.yaml": yaml.safe_dump(document)}}, ConfigMap)]
    )[0]


def made_by(release: str) -> dict[str, str]:
    """The annotation of what Helm made."""
    return {"meta.helm.sh/release-name": release} if release else {}


def asking_neilats(*, release: str = "", namespace: str = "neilats", **changes: Any) -> SchedulerConfig:
    """The chart's configuration, with some fields of its extender changed; None takes a field away."""
    extender = {k: v for k, v in (GOOD_EXTENDER | changes).items() if v is not None}
    return scheduler_config(extender, release=release, namespace=namespace)


def pod(
    name: str,
    *,
    namespace: str = "shop",
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    owner: tuple[str, str] | None = None,
    status: Mapping[str, Any] | None = None,
    ready: bool = False,
    **spec: Any,
) -> PodItem:
    """A pod; annotations are given without our prefix, `owner` as (kind, name)."""
    meta: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{name}",
        "labels": labels or {},
        "annotations": {f"neilats.io/{k.replace('_', '-')}": v for k, v in (annotations or {}).items()},
    }
    if owner:
        kind, owner_name = owner
        meta["ownerReferences"] = [{"kind": kind, "name": owner_name, "uid": f"uid-{owner_name}", "controller": True}]
    full = {"conditions": [READY] if ready else []} | dict(status or {})
    spec = {"schedulerName": "neilats-scheduler"} | spec
    return msgspec.convert({"metadata": meta, "spec": spec, "status": full}, PodItem)


def asking(name: str, scheduler: str = "neilats-scheduler", **annotations: str) -> PodItem:
    """A pod of a Deployment that asks for something."""
    owner, labels = ("ReplicaSet", f"{name}-7c9f"), {"pod-template-hash": "7c9f"}
    return pod(f"{name}-7c9f-x", annotations=annotations, schedulerName=scheduler, owner=owner, labels=labels)


def requiring(name: str, **annotations: str) -> PodItem:
    """A pod that insists on 5 ms to node-1."""
    return asking(name, **{"peer_nodes": "node-1", "max_rtt_ms": "5", "mode": "require"} | annotations)


def kube_scheduler(*args: str, **spec: Any) -> PodItem:
    """A kube-scheduler of the control plane with this command."""
    containers = [{"name": "s", "image": "registry.k8s.io/kube-scheduler:v1.36.3", "command": list(args)}]
    return pod("kube-scheduler-cp", namespace="kube-system", containers=containers, **spec)


def node(name: str, *taints: Mapping[str, str], ready: bool = True, labels: Mapping[str, str] | None = None) -> Node:
    """A node."""
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    raw = {
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"taints": list(taints)},
        "status": {"conditions": conditions},
    }
    return msgspec.convert(raw, Node)


def prober_set(container: Mapping[str, Any] | None = None, release: str = "", **spec: Any) -> Workload:
    """The DaemonSet of probers."""
    containers = [{"name": "prober", "image": "neilats:1"} | dict(container or {})]
    meta = {"name": "neilats-prober", "namespace": "neilats", "labels": PROBER, "annotations": made_by(release)}
    raw = {"metadata": meta, "spec": {"template": {"spec": {"containers": containers} | spec}}}
    return msgspec.convert(raw, Workload)


def prober_pod(node_name: str, *, ready: bool = True, **more: Any) -> PodItem:
    return pod(f"prober-{node_name}", namespace="neilats", labels=PROBER, ready=ready, nodeName=node_name, **more)


def lease(name: str, when: str) -> Lease:
    return msgspec.convert({"metadata": {"name": name}, "spec": {"renewTime": when}}, Lease)


def scrape(name: str, now: str, before: str | None = None) -> Scrape:
    """The metrics of a component on the node of this name; `now` and `before` are lines of exposition."""
    first = Samples.parse(_exposed(before)) if before is not None else None
    return Scrape(f"neilats/pod-{name}", name, Samples.parse(_exposed(now)), first)


def _exposed(text: str) -> str:
    return "".join(f"{line.strip()}\n" for line in text.splitlines() if line.strip())


def services(*names: str, **more: str) -> ServiceTable:
    """Services by name; `more` gives some a type."""
    table = ServiceTable()
    for name in names:
        table.put({"metadata": {"name": name}, "spec": {}})
    for name, kind in more.items():
        table.put({"metadata": {"name": name}, "spec": {"type": kind}})
    return table


def slices(**nodes: Sequence[str]) -> SliceTable:
    """Ready endpoints of services on nodes."""
    table = SliceTable()
    for service, places in nodes.items():
        meta = {"name": f"{service}-1", "labels": {"kubernetes.io/service-name": service}}
        endpoints = [{"nodeName": n, "conditions": {"ready": True}} for n in places]
        table.put({"metadata": meta, "endpoints": endpoints})
    return table
