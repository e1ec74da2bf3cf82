"""Resident memory of an extender that knows 5,000 nodes with 64 full windows each, and 100,000 pods.

The windows are full rings with their long memory. All pods are bound and listed by an API server; every tenth has a
promise, and a pod that must be near to other pods has all of them counted by label and node as well. The yardstick is
the same extender of the same cluster before the first report and without the pods' namespace.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.client import Connection, request
from bench.fakeapi import NAMESPACE, PROMISED
from bench.ingest import paced_calls
from bench.load.fleet import Load
from bench.loading import loading
from bench.objects import args, node_names, pod_json
from bench.options import Options
from bench.processes import Extender, extender, module, running
from bench.running import say
from bench.timing import BenchError, Row
from bench.webhooks import peers_of

__all__ = ["Resident", "measure", "rows"]

TARGET_MB = 500.0
SLOTS = 64
PATIENCE_S = 600.0
SETTLE_S = 25.0
"""Of calls, until as many decisions are recorded as are kept."""
QUIET_S = 25.0
"""Without calls: longer than until what is free goes back to the system."""


@dataclass(frozen=True)
class Resident:
    """Megabytes, and what was there."""

    empty_mb: float
    busy_mb: float
    """Right behind the calls."""
    full_mb: float
    samples: float
    late: str
    """What is missing, if anything."""


def rows(options: Options) -> Iterator[Row]:
    """One line."""
    nodes, targets, pods = (1000, 64, 20_000) if options.quick else (5000, 64, 100_000)
    found = measure(nodes, targets, pods)
    yield Row(
        f"extender's memory, {nodes:,} nodes x {targets} targets, {pods:,} pods", found.full_mb,
        "before the first report", found.empty_mb, f"<= {TARGET_MB:g} MB",
        found.full_mb <= TARGET_MB and not found.late, "MB", limit=found.late,
        details={"samples": found.samples, "busy_mb": found.busy_mb},
    )  # fmt: skip


def measure(nodes: int, targets: int, pods: int) -> Resident:
    """Fill an extender and look at it."""
    names = node_names(nodes)
    with ExitStack() as stack:
        api = stack.enter_context(running(module("bench.fakeapi", str(nodes), str(pods)), "fakeapi"))
        url = api.wait_for(r"fakeapi=(\S+)")[1]
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="neilats-bench-"))
        ours = stack.enter_context(extender(cluster="kubeconfig", kubeconfig=str(_kubeconfig(Path(folder), url))))
        _wait(ours, "nodes", lambda seen: seen["neilats_extender_nodes"] >= nodes)
        empty_mb = ours.child.resident_mb()
        load = Load(
            address=ours.api, nodes=nodes, targets=targets, hot=peers_of(names), history=SLOTS, report_s=10.0, once=True
        )
        generator = stack.enter_context(loading(load))
        ready = generator.ready(PATIENCE_S)
        seen = generator.stop()
        _wait(ours, "promises", lambda seen: _placed(seen) >= pods // PROMISED)
        _ask_for_pods(ours, names)
        paced_calls(ours, names, SETTLE_S, check=False)
        busy_mb = ours.child.resident_mb()
        time.sleep(QUIET_S)
        say(f"  {ours.samples():,.0f} samples; {busy_mb:.0f} MB right behind the calls")
        late = "" if ready else f"only {seen.answered} of {nodes} probers were answered within {PATIENCE_S:g} s"
        return Resident(empty_mb, busy_mb, ours.child.resident_mb(), ours.samples(), late)


def _ask_for_pods(ours: Extender, names: list[str]) -> None:
    """Have all pods of the namespace watched, and wait until they are known."""
    pod = pod_json("near-pods", {"neilats.io/peer-pods": "app=app-1"}, 1)
    message = request("/scheduler/prioritize", args(pod, names[:100]))
    end = time.monotonic() + PATIENCE_S
    with Connection(ours.webhooks) as connection:
        while True:
            connection.call(message)
            decision = json.loads(ours.get(f"/v1/decisions/{NAMESPACE}/near-pods"))["decisions"][0]
            if decision["peers"]:
                return
            if time.monotonic() > end:
                raise BenchError(f"the pods are not known after {PATIENCE_S:g} s: {decision['reason']}")
            time.sleep(1)


def _placed(seen: Mapping[str, float]) -> float:
    return sum(count for name, count in seen.items() if name.startswith("neilats_placed_pods"))


def _wait(ours: Extender, what: str, there: Callable[[Mapping[str, float]], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not there(ours.metrics()):
        if time.monotonic() > end:
            raise BenchError(f"the extender does not know all {what} after {PATIENCE_S:g} s")
        time.sleep(0.5)


def _kubeconfig(folder: Path, url: str) -> Path:
    path = folder / "kubeconfig.json"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "fake",
        "clusters": [{"name": "fake", "cluster": {"server": url}}],
        "users": [{"name": "user", "user": {"token": "none"}}],
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "user"}}],
    }
    path.write_text(json.dumps(config), encoding="utf-8")
    return path
