"""kube-scheduler's calls with whole Node objects (`nodeCacheCapable: false`)."""

from collections.abc import Iterator

from bench.options import Options
from bench.timing import Row
from bench.webhooks import Calls, rows_of

__all__ = ["rows"]

SIZES = (500, 5000)
TARGETS = {"filter, require": 0.10, "filter, prefer": 0.10, "prioritize": 0.18}


def rows(options: Options) -> Iterator[Row]:
    """p50 against the null extender."""
    repetitions, pods = (2, 6) if options.quick else (3, 20)
    for size in SIZES:
        yield from rows_of(Calls(size, True, repetitions, pods), TARGETS, options)
