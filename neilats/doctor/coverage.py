"""Checks of whether a prober runs on every node, and with what it needs."""

from collections.abc import Iterator
from typing import Final

from neilats.doctor import helm
from neilats.doctor.facts import Facts, Source
from neilats.doctor.finding import Trouble, check
from neilats.doctor.objects import CRITICAL, Node
from neilats.doctor.pods import PodSpec
from neilats.doctor.words import few, pod_trouble

__all__ = ["CHECKS", "left_out"]

_TOLERATED_BY_ALL: Final = "node.kubernetes.io/"  # Kubernetes lets every DaemonSet tolerate its own taints


@check(
    "probers-missing",
    "error",
    Source.WORKLOADS,
    about="There is no DaemonSet of probers.",
    why="Nothing is measured: every answer is neutral.",
    fix=helm.install("neilats", "neilats"),
)
def probers_missing(facts: Facts) -> Iterator[Trouble]:
    """No DaemonSet at all."""
    if not facts.prober_sets:
        what = "no DaemonSet has the label app.kubernetes.io/component=prober"
        yield Trouble(f"namespace {facts.namespace}", what, helm.install(facts.release, facts.namespace))


@check(
    "prober-missing-on-node",
    "error",
    Source.NODES,
    Source.OWN_PODS,
    Source.WORKLOADS,
    about="Ready nodes without a prober, with the taints that the DaemonSet does not tolerate. Nodes that its "
    "nodeSelector or affinity leaves out are meant to have none.",
    why="Paths from these nodes are unknown: no pod is placed there for its latency, and pods there are no good peers.",
    fix="let the DaemonSet tolerate the taints (helm: prober.tolerations), or set prober.nodeSelector",
)
def missing_on_node(facts: Facts) -> Iterator[Trouble]:
    """Nodes that have no prober, grouped by what keeps it away."""
    for workload in facts.prober_sets[:1]:
        reasons: dict[str, list[str]] = {}
        for node in (n for n in _bare(facts) if workload.spec.template.spec.is_for(n)):
            reasons.setdefault(_obstacle(workload.spec.template.spec, node), []).append(node.metadata.name)
        for reason, names in sorted(reasons.items()):
            yield Trouble(
                f"node {few(names)}",
                f"no prober: {reason}",
                f"kubectl -n {workload.metadata.namespace} describe daemonset {workload.metadata.name}",
            )


def left_out(facts: Facts) -> list[str]:
    """The ready nodes that the probers' DaemonSet is not made for."""
    return [n.metadata.name for w in facts.prober_sets[:1] for n in _bare(facts) if not w.spec.template.spec.is_for(n)]


def _bare(facts: Facts) -> list[Node]:
    served = {p.spec.node_name for p in facts.prober_pods}
    return [n for n in facts.nodes if n.ready and n.metadata.name not in served and _runs_linux(n)]


def _runs_linux(node: Node) -> bool:
    """Whether a prober could run there at all; nodes of tests and the like do not say."""
    return node.metadata.labels.get("kubernetes.io/os", "linux") == "linux"


def _obstacle(spec: PodSpec, node: Node) -> str:
    """What of the DaemonSet keeps its pods off a node."""
    taints = [
        str(t)
        for t in node.spec.taints
        if t.effect in CRITICAL
        and not t.key.startswith(_TOLERATED_BY_ALL)
        and not any(toleration.covers(t) for toleration in spec.tolerations)
    ]
    return f"the DaemonSet does not tolerate {few(taints)}" if taints else "no pod was made for it"


@check(
    "prober-not-ready",
    "error",
    Source.OWN_PODS,
    about="A prober's pod is not ready.",
    why="Its node's paths are not measured and become stale.",
    fix="look at the pod: kubectl describe, kubectl logs",
)
def not_ready(facts: Facts) -> Iterator[Trouble]:
    """Probers that do not run, grouped by why."""
    reasons: dict[str, list[str]] = {}
    for pod in facts.prober_pods:
        if not pod.ready:
            reasons.setdefault(pod_trouble(pod), []).append(pod.metadata.name)
    for reason, names in sorted(reasons.items()):
        yield Trouble(f"pod {few(names)}", reason, f"kubectl -n {facts.namespace} describe pod {min(names)}")


@check(
    "prober-cpu-limit",
    "warning",
    Source.WORKLOADS,
    about="The prober's container has a CPU limit.",
    why="Throttling reads as latency; such samples are dropped as the prober's own noise, which costs coverage.",
    fix="remove resources.limits.cpu from the prober",
)
def cpu_limit(facts: Facts) -> Iterator[Trouble]:
    """Limits in the DaemonSet's template."""
    for workload in facts.prober_sets:
        meta = workload.metadata
        for i, container in enumerate(workload.spec.template.spec.containers):
            if (limit := container.resources.limits.get("cpu")) is not None:
                gone = "prober.resources.limits.cpu=null"
                patch = f'[{{"op":"remove","path":"/spec/template/spec/containers/{i}/resources/limits/cpu"}}]'
                by_hand = f"kubectl -n {meta.namespace} patch daemonset {meta.name} --type json --patch '{patch}'"
                yield Trouble(
                    f"DaemonSet {meta}, container {container.name}",
                    f"resources.limits.cpu is {limit}",
                    helm.upgrade(meta.release, meta.namespace, gone) if meta.release else by_hand,
                )


CHECKS = (probers_missing, missing_on_node, not_ready, cpu_limit)
