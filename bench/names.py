"""kube-scheduler's calls with node names (`nodeCacheCapable: true`, as the chart configures them)."""

from collections.abc import Iterator

from bench.options import Options
from bench.timing import Row
from bench.webhooks import Calls, rows_of

__all__ = ["rows"]

SIZES = (500, 5000)
TARGETS = {"filter, require": 1.2, "filter, prefer": 1.2, "prioritize": 1.4}
TAIL = 3.0


def rows(options: Options) -> Iterator[Row]:
    """p50 against the null extender, and p99 against the own p50."""
    repetitions, pods = (3, 40) if options.quick else (5, 120)
    for size in SIZES:
        yield from rows_of(Calls(size, False, repetitions, pods), TARGETS, options, p99=TAIL)
