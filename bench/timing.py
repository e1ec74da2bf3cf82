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
    here: float
    yardstick: str
    there: float
    """The yardstick's."""
    target: str
    reached: bool
    unit: str = "ms"
    """Of both values."""

    @property
    def ratio(self) -> float:
        """How many times the yardstick's the figure is."""
        return self.here / self.there


def interleaved(ours: Callable[[], object], theirs: Callable[[], object], repetitions: int) -> tuple[float, float]:
    """Median milliseconds of both, after one warm-up each."""
    ours(), theirs()
    pairs = [(_timed(ours), _timed(theirs)) for _ in range(repetitions)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000
