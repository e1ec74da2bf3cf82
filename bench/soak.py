"""One hour's load in a few minutes, or in an hour: memory, losses and webhooks over time.

An hour has 360 intervals of 10 s. They are made as short as the time given allows, with so many fewer probers that the
samples a second stay the same; kube-scheduler's calls go on beside them. What hangs on the clock rather than on the
load (half-lives of the long memory) is not accelerated. `--soak-s 3600` runs it in real time, with 5,000 probers.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.ingest import CANDIDATES, paced_calls
from bench.load.fleet import Load, Seen
from bench.loading import loading
from bench.objects import addresses, node_names
from bench.options import Options
from bench.processes import extender
from bench.running import say
from bench.timing import Row, percentile
from bench.webhooks import peers_of

__all__ = ["Course", "growth_mb", "rows"]

INTERVALS = 360
"""Of an hour."""

PROBERS_PER_S = 500.0
"""Probers for each second of the interval: 5,000 at 10 s."""

PIECES = 60
PATIENCE_S = 60.0
MOST_GROWTH, MOST_RATIO = 0.02, 1.5
"""Of the memory, and of the p99: what a fit of a flat course may show by chance."""


@dataclass
class Course:
    """What was seen in each piece of the time."""

    resident_mb: list[float] = field(default_factory=list)
    webhook_ms: list[list[float]] = field(default_factory=list)

    def p99_ms(self, quarter: int) -> float:
        """Of the calls in a quarter of the time, 0 to 3."""
        count = len(self.webhook_ms)
        pieces = self.webhook_ms[count * quarter // 4 : count * (quarter + 1) // 4]
        return percentile([ms for piece in pieces for ms in piece], 99)


def growth_mb(resident_mb: Sequence[float]) -> float:
    """What a straight line through the last three quarters gains from their begin to the end: in the first one
    windows, decisions and caches fill up."""
    settled = np.array(resident_mb[len(resident_mb) // 4 :])
    return float(np.polyfit(np.arange(len(settled)), settled, 1)[0] * (len(settled) - 1))


def rows(options: Options) -> Iterator[Row]:
    """Memory, losses, p99."""
    intervals, soak_s = (60, 30.0) if options.quick else (INTERVALS, options.soak_s)
    interval_s = soak_s / intervals
    probers = max(80, min(5000, round(PROBERS_PER_S * interval_s)))
    course, seen, counted = _run(soak_s, interval_s, probers)
    what = f"soak, {intervals} intervals in {soak_s:g} s, {probers:,} probers"
    memory, growth = course.resident_mb[-1], growth_mb(course.resident_mb)
    yield Row(
        f"{what}: growth of memory after the first quarter", growth, "memory", memory, f"<= {MOST_GROWTH:.0%}",
        growth <= MOST_GROWTH * memory, "MB", details={"resident_mb": course.resident_mb},
    )  # fmt: skip
    lost = abs(seen.acknowledged - counted) + seen.overdue
    yield Row(
        f"{what}: lost", lost, "acknowledged", seen.acknowledged, "0", lost == 0, "samples",
        details={"statuses": seen.statuses},
    )  # fmt: skip
    early, late = course.p99_ms(1), course.p99_ms(3)
    yield Row(
        f"{what}: prioritize of {min(CANDIDATES, probers)} names, p99 of the last quarter", late,
        "p99 of the second quarter", early, f"<= {MOST_RATIO:g} x", late <= MOST_RATIO * early,
        details={"p99_ms": [course.p99_ms(quarter) for quarter in range(4)]},
    )  # fmt: skip


def _run(soak_s: float, interval_s: float, probers: int) -> tuple[Course, Seen, float]:
    """The course, what the load saw, and how many samples the extender counted."""
    names, course = node_names(probers), Course()
    with extender(addresses(names), interval_s=interval_s) as ours:
        load = Load(
            address=ours.api, nodes=probers, hot=peers_of(names), interval_s=interval_s, report_s=interval_s / 2
        )
        with loading(load) as generator:
            ready, calls, began = generator.ready(PATIENCE_S), 0, time.monotonic()
            for piece in range(PIECES):
                left_s = began + soak_s * (piece + 1) / PIECES - time.monotonic()
                course.webhook_ms.append(paced_calls(ours, names, max(left_s, 0.05), check=False, first=calls))
                calls += len(course.webhook_ms[-1])
                course.resident_mb.append(ours.child.resident_mb())
                if piece % 15 == 14:
                    say(f"  {piece + 1} of {PIECES}: {course.resident_mb[-1]:.0f} MB")
            seen = generator.stop()
        if not ready:
            say(f"  only {seen.answered} of {probers} probers were answered in {PATIENCE_S:g} s")
        return course, seen, ours.samples()
