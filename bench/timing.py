"""Rows of the table, and interleaved timings: machines drift, so a figure and its yardstick take turns."""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["BenchError", "Row", "Skipped", "interleaved", "percentile"]


class BenchError(RuntimeError):
    """A measurement that cannot be trusted or did not come about; the text says why and what to do."""


class Skipped(BenchError):
    """What this machine lacks for a measurement, and how to get it."""


@dataclass(frozen=True)
class Row:
    """One line of the table; `reached` says whether the target holds."""

    figure: str
    here: float
    yardstick: str
    there: float
    """The yardstick's; NaN where there is none."""
    target: str
    """Empty where the row is only shown."""
    reached: bool
    unit: str = "ms"
    """Of both values."""
    ratios: Sequence[float] = ()
    """Of each interleaved repetition, where there are several."""
    limit: str = ""
    """What keeps a missed figure from its target."""
    details: Mapping[str, object] = field(default_factory=dict)
    """What else was seen, for the record: values that JSON can hold."""

    @property
    def ratio(self) -> float:
        """How many times the yardstick's the figure is: the median of the repetitions; NaN without a yardstick."""
        if self.ratios:
            return statistics.median(self.ratios)
        return self.here / self.there if self.there else math.nan

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the greatest ratio of the repetitions."""
        return (min(self.ratios), max(self.ratios)) if self.ratios else (self.ratio, self.ratio)

    @property
    def repetitions(self) -> int:
        """How often both were measured in turn."""
        return max(1, len(self.ratios))


def interleaved(ours: Callable[[], object], theirs: Callable[[], object], repetitions: int) -> tuple[float, float]:
    """Median milliseconds of both, after one warm-up each."""
    ours(), theirs()
    pairs = [(_timed(ours), _timed(theirs)) for _ in range(repetitions)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: the least value that `percent` of all values do not exceed.

    Of 300 values the 99th is the fourth greatest. Raises ValueError of no values, or of a percentage outside 0..100.
    """
    if not values or not 0 <= percent <= 100:
        raise ValueError(f"no {percent:g}th percentile of {len(values)} values")
    # Rounded first: 0.07 * 100 is 7.000000000000001, whose ceiling would be a rank too high.
    rank = math.ceil(round(percent * len(values) / 100, 9))
    return sorted(values)[max(rank, 1) - 1]


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000
