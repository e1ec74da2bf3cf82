"""2,000 pods with intents through a real kube-scheduler, with and without an extender, on 500 and 5,000 nodes.

All variants take turns; the extender of ours runs only in its own (`bench.scheduling`).
"""

import asyncio
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.objects import node_names
from bench.options import Options
from bench.running import say
from bench.scheduling import LONGEST_S, Run, Speed, Variant, make_nodes
from bench.timing import Row
from tests.controlplane.plane import ControlPlane

__all__ = ["rows", "why_slower"]

TARGET = 0.90
SIZES = (500, 5000)
SAMPLING = {"default sampling": 0, "100 %": 100}

BOTH, ONE = ("filter", "prioritize"), ("prioritize",)
NONE = Variant("none")
VARIANTS = (NONE, Variant("null", BOTH), Variant("ours", BOTH), Variant("null", ONE), Variant("ours", ONE))

Found = dict[tuple[str, Variant], list[Speed]]
"""By sampling and variant, one value a repetition."""


def rows(options: Options) -> Iterator[Row]:
    """Ours against the null extender with the same verbs, and the null extender against none."""
    program, binaries = options.null_program(), options.control_plane()
    pods, repetitions = (300, 1) if options.quick else (2000, 3)
    for size in SIZES:
        with tempfile.TemporaryDirectory(prefix="neilats-bench-") as folder:
            plane = ControlPlane(binaries, Path(folder))
            try:
                plane.start()
                found = _measure(plane, program, size, pods, repetitions)
            finally:
                plane.stop()
        for sampling in SAMPLING:
            yield from _rows(found, size, pods, sampling)


def _measure(plane: ControlPlane, null: Path, size: int, pods: int, repetitions: int) -> Found:
    names = node_names(size)
    asyncio.run(make_nodes(plane, names))
    found: Found = {}
    for repetition in range(repetitions):
        for sampling, percent in SAMPLING.items():
            for variant in VARIANTS:
                speed = Run(plane, null, names, pods, percent).speed(variant)
                found.setdefault((sampling, variant), []).append(speed)
                what = f"{size:,} nodes, {sampling}, {variant}"
                say(f"  {what}: {speed.pods_s:.0f} pods/s of {speed.bound} ({repetition + 1} of {repetitions})")
    return found


def _rows(found: Found, size: int, pods: int, sampling: str) -> Iterator[Row]:
    for verbs in (BOTH, ONE):
        null, ours = Variant("null", verbs), Variant("ours", verbs)
        for variant, yardstick in ((ours, null), (null, NONE)):
            here, there = found[sampling, variant], found[sampling, yardstick]
            ratios = [a.pods_s / b.pods_s for a, b in zip(here, there, strict=True)]
            judged, bound = variant is ours, [speed.bound for speed in here]
            details = {"bound": bound, "cpu_ms_a_pod": [dict(s.cpu_ms) for s in here], "busy": [s.busy for s in here]}
            cut = f"cut after {LONGEST_S:g} s with {min(bound):,} pods bound" if min(bound) < pods else ""
            yield Row(
                f"kube-scheduler, {pods:,} pods, {size:,} nodes, {sampling}: {variant}", _median(here),
                str(yardstick) if judged else "no extender", _median(there),
                f">= {TARGET:.0%} of null" if judged else "", not judged or statistics.median(ratios) >= TARGET,
                "pods/s", ratios=ratios, details=details, limit=cut or (why_slower(here, there) if judged else ""),
            )  # fmt: skip


def why_slower(here: Sequence[Speed], there: Sequence[Speed]) -> str:
    """Where the cores have nothing left, each millisecond of CPU that an extender takes is one that binding lacks."""
    takes, null = (statistics.median(s.extender_ms for s in speeds) for speeds in (here, there))
    total, busy = (statistics.median(getattr(s, name) for s in there) for name in ("total_ms", "busy"))
    most = total / TARGET - (total - null)
    return (
        f"with null the cores are {busy:.0%} busy, and a pod takes {total:.1f} ms of CPU, {null:.1f} of them null's; "
        f"{TARGET:.0%} leaves {most:.1f} ms to an extender, and ours takes {takes:.1f}"
    )


def _median(speeds: Sequence[Speed]) -> float:
    return statistics.median(speed.pods_s for speed in speeds)
