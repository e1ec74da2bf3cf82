"""neilats as its chart installs it on the test cluster, and what its users see of it."""

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.controlplane.kube import Kube
from tests.e2e.live import NEILATS, LiveCluster

CHART = Path(__file__).parents[3] / "deploy" / "helm" / "neilats"
EXTENDER_METRICS, PROBER_METRICS = 9426, 9427

Metrics = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass(frozen=True)
class Release:
    """An installed release; commands run as an administrator would type them."""

    cluster: LiveCluster
    name: str = "neilats"
    namespace: str = "neilats"

    # -- helm and kubectl ----------------------------------------------------------------------------------------

    def helm(self, verb: str, *argv: object) -> str:
        """`helm VERB RELEASE ...` in the release's namespace."""
        return self.run("helm", verb, self.name, *argv, "--namespace", self.namespace)

    def exists(self) -> bool:
        """Whether it is installed already: a cluster that was kept."""
        return self._finished("helm", "status", self.name, "--namespace", self.namespace).returncode == 0

    def install(self, *flags: object) -> str:
        """Install the chart and wait until it is ready; returns the notes."""
        return self.helm("install", CHART, "--create-namespace", "--wait", "--timeout", "180s", *flags)

    def upgrade(self, *flags: object) -> str:
        """Upgrade with changed values and wait until it is ready."""
        return self.helm("upgrade", CHART, "--reuse-values", "--wait", "--timeout", "180s", *flags)

    def kubectl(self, *argv: object, namespace: str = "") -> str:
        """`kubectl ...` in the release's namespace."""
        return self.run("kubectl", "--namespace", namespace or self.namespace, *argv)

    def run(self, program: str, *argv: object, ok: tuple[int, ...] = (0,)) -> str:
        """One of the cluster's programs, or `neilats`; returns what it printed, fails with it on another status."""
        done = self._finished(program, *argv)
        assert done.returncode in ok, f"{program} {argv} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def _finished(self, program: str, *argv: object) -> "subprocess.CompletedProcess[str]":
        path = NEILATS if program == "neilats" else self.cluster.binaries / program
        env = os.environ | {"KUBECONFIG": str(self.cluster.kubeconfig())}
        command = [str(path), *(str(a) for a in argv)]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    # -- its pods -------------------------------------------------------------------------------------------------

    def pods(self, component: str) -> list[dict[str, Any]]:
        """The pods of a component, as stored."""
        label = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component={component}"
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", "pods", "-l", label, "-o", "json"))["items"]
        return found

    def extender(self) -> str:
        """The name of the one pod that runs an extender."""
        pods = [p for p in self.pods("scheduler") if "deletionTimestamp" not in p["metadata"]]
        assert len(pods) == 1, [p["metadata"]["name"] for p in pods]
        return str(pods[0]["metadata"]["name"])

    def prober_on(self, node: str) -> dict[str, Any]:
        """The prober's pod on a node."""
        return next(p for p in self.pods("prober") if p["spec"]["nodeName"] == node)

    def restarts(self, pod: str, container: str) -> int:
        """How often a container of a pod was started again."""
        status = json.loads(self.kubectl("get", "pod", pod, "-o", "json"))["status"]
        found = [*status.get("initContainerStatuses", ()), *status["containerStatuses"]]
        return next(int(c["restartCount"]) for c in found if c["name"] == container)

    def starts(self, pod: str, container: str) -> int:
        """How many starts of a container the events of its pod tell."""
        told = json.loads(self.kubectl("get", "events", "--field-selector", f"involvedObject.name={pod}", "-o", "json"))
        mine = [e for e in told["items"] if f"{{{container}}}" in e["involvedObject"].get("fieldPath", "")]
        return sum(e.get("count") or 1 for e in mine if e["reason"] == "Started")

    def inside(self, pod: str, container: str, *argv: object, ok: tuple[int, ...] = (0,)) -> str:
        """What a program in a container prints."""
        flags = ("--namespace", self.namespace, "exec", pod, "-c", container, "--", *argv)
        return self.run("kubectl", *flags, ok=ok)

    def metrics(self, pod: str, port: int) -> Metrics:
        """The samples of a pod, by name and labels."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}:{port}/proxy/metrics"
        families = text_string_to_metric_families(self.run("kubectl", "get", "--raw", path))
        return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}

    def extender_metric(self, name: str, **labels: str) -> float:
        """One sample of the extender."""
        return self.metrics(self.extender(), EXTENDER_METRICS)[name, tuple(sorted(labels.items()))]

    # -- what people ask ------------------------------------------------------------------------------------------

    def ask(self, *argv: object) -> Any:
        """`neilats ... --json` in the extender's container."""
        return json.loads(self.inside(self.extender(), "extender", "neilats", *argv, "--json"))

    def complaints(self) -> set[str]:
        """The kinds of what `neilats doctor` finds from outside."""
        return {f["id"] for f in json.loads(self.run("neilats", "doctor", "--json", ok=(0, 1)))["findings"]}


async def eventually(what: str, holds: Callable[[], Any], timeout_s: float = 90, pause_s: float = 1.0) -> Any:
    """What `holds` returns as soon as that is true; it runs in a thread, and may fail meanwhile."""
    end, last = time.monotonic() + timeout_s, ""
    while time.monotonic() < end:
        try:
            if found := await asyncio.to_thread(holds):
                return found
        except AssertionError as e:
            last = f": {e}"
        await asyncio.sleep(pause_s)
    raise AssertionError(f"{what} did not come within {timeout_s:g} s{last}")


def promise(peer: str = "", **more: str) -> dict[str, str]:
    """Annotations: `promise("node-1", max_rtt_ms="5")`."""
    named = {"peer_nodes": peer} if peer else {}
    return {f"neilats.io/{k.replace('_', '-')}": v for k, v in (named | more).items()}


BIND_S = 60
PAUSE = [{"name": "main", "image": "registry.local/pause:1", "imagePullPolicy": "Never"}]


def away_from(*nodes: str) -> dict[str, Any]:
    """An affinity that keeps a pod off these nodes, if any."""
    if not nodes:
        return {}
    rule = {"key": "kubernetes.io/hostname", "operator": "NotIn", "values": list(nodes)}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


async def placed(
    kube: Kube, name: str, annotations: dict[str, str], *, off: tuple[str, ...] = ("node-1",), **spec: Any
) -> str:
    """Create a pod that may not use the nodes `off`, and say where it went."""
    made = await kube.pod(name, annotations=annotations, containers=PAUSE, affinity=away_from(*off), **spec)
    namespace = made["metadata"]["namespace"]
    end = time.monotonic() + BIND_S
    while not (node := (await kube.get_pod(name, namespace))["spec"].get("nodeName")):
        assert time.monotonic() < end, f"{name} is not bound: {await kube.events_of(name, namespace)}"
        await asyncio.sleep(0.1)
    return str(node)


def numbered(prefix: str) -> Iterator[str]:
    """prefix-1, prefix-2, ..."""
    count = 0
    while True:
        count += 1
        yield f"{prefix}-{count}"
