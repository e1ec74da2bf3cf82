"""One kube-scheduler that binds pods with intents: how fast, and what every program of the run takes of the processors.

Only etcd, kube-apiserver, kube-scheduler and the extender run; nodes are objects with room. The pods are there before
kube-scheduler starts, and the time is that from the first to the last binding, as a watch sees them. kube-scheduler's
limit of 50 requests a second is lifted, or it would hide everything.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.bindings import Bindings
from bench.cpu import Cpu
from bench.feeding import Peers
from bench.processes import Extender, extender, null_extender
from bench.timing import BenchError
from bench.webhooks import intent, peers_of
from tests.controlplane.kube import Kube
from tests.controlplane.plane import SCHEDULER, ControlPlane

__all__ = ["LONGEST_S", "Run", "Speed", "Variant", "make_nodes"]

KUBERNETES = ("etcd", "kube-apiserver", "kube-scheduler")
NAMESPACE = "/api/v1/namespaces/default"
AT_ONCE = 32
LONGEST_S, STUCK_S = 120.0, 30.0
"""How long a run may take, and how long no pod may be bound in it."""


@dataclass(frozen=True)
class Variant:
    """Who is asked, and what."""

    who: str
    """`none`, `null` or `ours`."""
    verbs: tuple[str, ...] = ()

    @property
    def entry(self) -> dict[str, Any]:
        """What differs in kube-scheduler's entry of the extender."""
        said = {f"{verb}Verb": verb if verb in self.verbs else "" for verb in ("filter", "prioritize", "preempt")}
        return {**said, "httpTimeout": "5s"}

    def __str__(self) -> str:
        return " ".join([self.who, " + ".join(self.verbs)]).strip()


@dataclass(frozen=True)
class Speed:
    """Of one run."""

    pods_s: float
    bound: int
    """Pods that were bound; not all where that would have taken minutes."""
    cpu_ms: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds of one core that each program took for one pod."""
    busy: float = 0.0
    """0..1 of all cores."""

    @property
    def extender_ms(self) -> float:
        """Of `cpu_ms`, what is neither Kubernetes nor etcd."""
        return sum(ms for name, ms in self.cpu_ms.items() if name not in KUBERNETES)

    @property
    def total_ms(self) -> float:
        """Of all programs together."""
        return sum(self.cpu_ms.values())


@dataclass(frozen=True)
class Run:
    """One kube-scheduler that binds all pods."""

    plane: ControlPlane
    null: Path
    names: Sequence[str]
    pods: int
    percent: int

    def speed(self, variant: Variant) -> Speed:
        """From the first binding to the last."""
        version = asyncio.run(_make_pods(self.plane, peers_of(self.names), self.pods))
        try:
            with ExitStack() as stack:
                url, ours, peers = stack.enter_context(self._asked(variant))
                bindings = stack.enter_context(Bindings(self.plane, version))
                profile = {"schedulerName": SCHEDULER, "percentageOfNodesToScore": self.percent}
                client = {"kubeconfig": str(self.plane.kubeconfig()), "qps": 10_000, "burst": 10_000}
                stack.enter_context(
                    self.plane.scheduler(
                        url, extender=variant.entry, flags=("-v=0",), profiles=[profile], clientConnection=client
                    )
                )
                speed = self._bound(bindings, peers)
                if ours is not None:
                    _check(ours, variant, len(bindings))
            return speed
        finally:
            asyncio.run(_clear(self.plane))

    @contextmanager
    def _asked(self, variant: Variant) -> Iterator[tuple[str, Extender | None, Peers | None]]:
        """The URL for kube-scheduler, and of ours the extender and what keeps its windows fresh."""
        if variant.who == "none":
            yield "", None, None
        elif variant.who == "null":
            with null_extender(self.null) as address:
                yield f"http://{address}/scheduler", None, None
        else:
            kubeconfig = str(self.plane.kubeconfig())
            with extender(cluster="kubeconfig", kubeconfig=kubeconfig, webhook_verbs=list(variant.verbs)) as ours:
                _wait_for_nodes(ours, len(self.names))
                peers = Peers(ours.api, peers_of(self.names), self.names)
                peers.fill()
                yield f"http://{ours.webhooks}/scheduler", ours, peers
                peers.close()

    def _bound(self, bindings: Bindings, peers: Peers | None) -> Speed:
        """The speed over all pods; where that takes minutes, over those that were bound by then."""
        end, count, moved, before = time.monotonic() + LONGEST_S, 0, time.monotonic(), Cpu.now()
        while len(bindings) < self.pods and time.monotonic() < end:
            if len(bindings) > count:
                before = before if count else Cpu.now()
                count, moved = len(bindings), time.monotonic()
            if time.monotonic() > moved + STUCK_S:
                raise BenchError(f"{count} of {self.pods} pods were bound, the others not: {bindings.problem}")
            if peers is not None:
                peers.keep_fresh()
            time.sleep(0.02)
        count = len(bindings)
        if count < 2:
            raise BenchError(f"{count} of {self.pods} pods were bound after {LONGEST_S:g} s")
        spent = Cpu.now().since(before)
        cpu_ms = {name: seconds * 1000 / count for name, seconds in spent.by_program.items()}
        return Speed((count - 1) / bindings.seconds, count, cpu_ms, spent.busy)


def _check(ours: Extender, variant: Variant, pods: int) -> None:
    """Every pod was asked for, and decided by real scores; raises BenchError."""
    decided = ours.decided()
    for verb in variant.verbs:
        if decided[verb] < pods:
            calls = {k: v for k, v in ours.metrics().items() if k.startswith("neilats_extender_calls_total") and v}
            raise BenchError(f"only {decided[verb]:g} of {pods} {verb} calls were really decided: {calls}")


def _wait_for_nodes(ours: Extender, count: int) -> None:
    end = time.monotonic() + 60
    while ours.metrics()["neilats_extender_nodes"] < count:
        if time.monotonic() > end:
            raise BenchError(f"the extender knows {ours.metrics()['neilats_extender_nodes']:g} of {count} nodes")
        time.sleep(0.1)


async def make_nodes(plane: ControlPlane, names: Sequence[str]) -> None:
    """Node objects with room for all pods."""
    kube, numbers = Kube(plane), iter(range(len(names)))

    async def make() -> None:
        for i in numbers:
            await kube.node(names[i], f"10.{16 + (i >> 16)}.{(i >> 8) & 255}.{i & 255}", cpu="64", pods=250)

    await _crowd(kube, make)


async def _make_pods(plane: ControlPlane, peers: Sequence[str], count: int) -> str:
    """Half of them require and half prefer; returns the version of the list that has them all."""
    kube, numbers = Kube(plane), iter(range(count))

    async def make() -> None:
        for i in numbers:
            annotations = intent(peers[i // 2 % len(peers)], require=i % 2 == 0)
            await kube.pod(f"pod-{i}", annotations=annotations, labels={"app": "web"}, cpu="10m")

    await _crowd(kube, make, close=False)
    try:
        found = await kube.ask("GET", f"{NAMESPACE}/pods?limit=1")
        return str(found["metadata"]["resourceVersion"])
    finally:
        await kube.close()


async def _crowd(kube: Kube, make: Any, *, close: bool = True) -> None:
    """Several at once, from one iterator."""
    try:
        await asyncio.gather(*(make() for _ in range(AT_ONCE)))
    finally:
        if close:
            await kube.close()


async def _clear(plane: ControlPlane) -> None:
    """No pods and no events are left."""
    kube = Kube(plane)
    try:
        await kube.ask("DELETE", f"{NAMESPACE}/pods?gracePeriodSeconds=0")
        while await kube.items(f"{NAMESPACE}/pods?limit=1"):  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.1)
        for path in (f"{NAMESPACE}/events", "/apis/events.k8s.io/v1/namespaces/default/events"):
            await kube.ask("DELETE", path)
    finally:
        await kube.close()
