"""Interleaved timings: machines drift, so a figure and its yardstick take turns, and medians are compared."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Row", "interleaved"]


@dataclass(frozen=True)
class Row:
    """One line of the table; `reached` says whether the target holds."""

    figure: str
    ms: float
    yardstick: str
    yardstick_ms: float
    target: str
    reached: bool

    @property
    def ratio(self) -> float:
        """How many times the yardstick's time the figure takes."""
        return self.ms / self.yardstick_ms


def interleaved(ours: Callable[[], object], theirs: Callable[[], object], repetitions: int) -> tuple[float, float]:
    """Median milliseconds of both, after one warm-up each."""
    ours(), theirs()
    pairs = [(_timed(ours), _timed(theirs)) for _ in range(repetitions)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000
