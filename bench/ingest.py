"""The reports of 5,000 probers with 64 targets each: what they cost, whether all arrive, and what webhooks feel of it.

The yardstick is an aiohttp handler on the same event loop that reads and acknowledges the same bodies; for webhooks it
is the null extender, which is called in turn with ours meanwhile: the load generator wants the same cores.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.client import Connection, request
from bench.load.fleet import Load, Seen
from bench.loading import loading
from bench.objects import addresses, args, node_names, pod_json
from bench.options import Options
from bench.processes import Child, Extender, extender, module, null_extender, running
from bench.running import say
from bench.timing import BenchError, Row, percentile
from bench.webhooks import intent, peers_of
from tests.certificates import ADDRESS, Authority

__all__ = ["Ingested", "Scale", "measure", "paced_calls", "rows", "share"]

TARGET_SHARE, TARGET_MS = 0.40, 5.0
CANDIDATES = 500
CALLS_A_SECOND = 20.0
WARM_UP_S = 3.0
HISTORY = 12
"""Samples of each path from the start, so that pods are scored."""


@dataclass(frozen=True)
class Scale:
    """How much, and for how long."""

    nodes: int = 5000
    seconds: float = 40.0
    patience_s: float = 120.0
    """For every prober's first answer; what then is not answered shows in the figures."""
    targets: int = 64


@dataclass(frozen=True)
class Ingested:
    """What one run showed."""

    share: float
    """Of one core, of the extender's user and system time, with nothing but reports."""
    share_with_calls: float
    """The same while webhooks are called, with the forecasts that they keep fresh."""
    lost: float
    """Samples that were acknowledged and not counted, or measured and never acknowledged."""
    webhook_ms: Sequence[float]
    null_ms: Sequence[float]
    """The same calls to the null extender, in turn."""
    seen: Seen
    ready: bool
    """Whether every prober was answered before the measurement began."""
    resident_mb: float


def rows(options: Options) -> Iterator[Row]:
    """CPU, losses and webhooks over plain HTTP with their targets, and the same shown with TLS."""
    scale = Scale(1000, 10.0, 60.0) if options.quick else Scale()
    for tls in (False, True):
        found = measure(scale, options.null_program(), tls=tls)
        sink = _sink_share(scale, tls=tls)
        yield from _rows(found, sink, scale, " with TLS" if tls else "", with_targets=not tls)


def _rows(found: Ingested, sink: float, scale: Scale, how: str, *, with_targets: bool) -> Iterator[Row]:
    what = f"ingest of {scale.nodes:,} x {scale.targets} every 10 s{how}"
    p99, null = percentile(found.webhook_ms, 99), percentile(found.null_ms, 99)
    late = "" if found.ready else f"only {found.seen.answered} of {scale.nodes} probers were answered in time"
    seen = {name: getattr(found.seen, name) for name in ("statuses", "reports", "body_bytes", "resyncs", "p99_ms")}
    seen |= {"share_with_calls": found.share_with_calls, "resident_mb": found.resident_mb}
    seen |= {
        f"{who}_p{q}_ms": percentile(times, q)
        for who, times in (("ours", found.webhook_ms), ("null", found.null_ms))
        for q in (50, 90, 95)
    }

    def row(part: str, here: float, yardstick: str, there: float, target: str, reached: bool, unit: str) -> Row:
        wanted = target if with_targets else ""
        return Row(
            f"{what}: {part}", here, yardstick, there, wanted, reached or not wanted, unit, limit=late, details=seen
        )

    yield row(
        "CPU", 100 * found.share, "only reading and acknowledging", 100 * sink, f"<= {TARGET_SHARE:.0%} of a core",
        found.share <= TARGET_SHARE and found.ready, "%",
    )  # fmt: skip
    yield row("lost", found.lost, "acknowledged", found.seen.acknowledged, "0", found.lost == 0, "samples")
    yield row(
        f"prioritize of {CANDIDATES} names meanwhile, p99", p99, "null meanwhile, p99", null, f"<= {TARGET_MS:g} ms",
        p99 <= TARGET_MS, "ms",
    )  # fmt: skip


def measure(scale: Scale, null: Path, *, tls: bool = False) -> Ingested:
    """One run of the whole load; raises BenchError where a webhook's answer had no real scores."""
    names = node_names(scale.nodes)
    with ExitStack() as stack:
        settings = _tls_settings(stack) if tls else {}
        ours = stack.enter_context(extender(addresses(names), **settings))
        beside, null_ms = stack.enter_context(Connection(stack.enter_context(null_extender(null)))), list[float]()
        load = Load(
            address=ours.api, nodes=scale.nodes, targets=scale.targets, hot=peers_of(names), history=HISTORY, tls=tls
        )
        generator = stack.enter_context(loading(load))
        ready = generator.ready(scale.patience_s)
        if not ready:
            say(f"  not every prober was answered within {scale.patience_s:g} s")
        time.sleep(load.interval_s)  # what the first reports brought is to settle
        before, began = ours.child.cpu_s(), time.monotonic()
        time.sleep(scale.seconds)
        used = share(ours.child, before, began)
        paced_calls(ours, names, WARM_UP_S, check=ready)  # the first pods of the peers are measured elsewhere
        before, began = ours.child.cpu_s(), time.monotonic()
        webhook_ms = paced_calls(
            ours, names, scale.seconds, check=ready, first=1_000_000, beside=lambda m: null_ms.append(beside.call(m).ms)
        )
        with_calls = share(ours.child, before, began)
        resident_mb = ours.child.resident_mb()
        seen = generator.stop()
        lost = abs(seen.acknowledged - ours.samples()) + seen.overdue
        return Ingested(used, with_calls, lost, webhook_ms, null_ms, seen, ready, resident_mb)


def share(child: Child, before_s: float, began: float) -> float:
    """Of one core, since `began`, when it had used `before_s`."""
    return (child.cpu_s() - before_s) / (time.monotonic() - began)


def paced_calls(
    ours: Extender,
    names: Sequence[str],
    seconds: float,
    *,
    check: bool,
    first: int = 0,
    beside: Callable[[bytes], None] | None = None,
) -> list[float]:
    """Milliseconds of prioritize calls of new pods, twenty a second, each for another part of the nodes.

    `beside` is given each request half-way to the next.
    """
    peers = peers_of(names)
    times: list[float] = []
    scored = ours.decided()["prioritize"]
    with Connection(ours.webhooks) as connection:
        end = due = time.monotonic()
        end += seconds
        while due < end:
            number = first + len(times)
            begin = number * CANDIDATES % len(names)
            part = [*names, *names][begin : begin + min(CANDIDATES, len(names))]
            pod = pod_json(f"web-{number}", intent(peers[number % len(peers)], require=number % 2 == 0), number)
            message = request("/scheduler/prioritize", args(pod, part))
            answer = connection.call(message)
            if answer.status != 200:
                raise BenchError(f"prioritize was answered with {answer.status}: {answer.body[:300]!r}")
            times.append(answer.ms)
            if beside is not None:
                time.sleep(max(0.0, due + 0.5 / CALLS_A_SECOND - time.monotonic()))
                beside(message)
            due = max(due + 1 / CALLS_A_SECOND, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))
    scored = ours.decided()["prioritize"] - scored
    if check and scored < len(times):
        raise BenchError(f"only {scored:g} of {len(times)} prioritize calls had real scores")
    return times


def _tls_settings(stack: ExitStack) -> dict[str, str]:
    cert, key = _certificate(stack)
    return {"tls_cert": str(cert), "tls_key": str(key), "metrics_listen": "127.0.0.1:0"}


def _certificate(stack: ExitStack) -> tuple[Path, Path]:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="neilats-bench-"))
    return Authority(Path(folder)).issue(ADDRESS)


def _sink_share(scale: Scale, *, tls: bool) -> float:
    """Of one core, of what only acknowledges the same load."""
    with ExitStack() as stack:
        files = [str(path) for path in _certificate(stack)] if tls else []
        sink = stack.enter_context(running(module("bench.load.sink", *files), "sink"))
        load = Load(address=sink.wait_for(r"sink=(\S+)")[1], nodes=scale.nodes, targets=scale.targets, tls=tls)
        generator = stack.enter_context(loading(load))
        if not generator.ready(scale.patience_s):
            raise BenchError("even the yardstick does not answer every prober: is the machine busy?")
        time.sleep(2)
        before, began = sink.cpu_s(), time.monotonic()
        time.sleep(min(20.0, scale.seconds))
        used = share(sink, before, began)
        generator.stop()
        return used
