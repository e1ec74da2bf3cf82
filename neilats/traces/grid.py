"""Samples at any time, folded into the slices of a trace.

Probers spread their pings over the interval, so each path has a phase of its own; its samples are rounded to slices
around that phase, and not around one that all share, or a path whose pings fall on a border would lose every other
slice to jitter. Several samples in a slice, as bursts make them, count as their median, as in the extender's windows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neilats.traces.trace import MOST_BYTES, TraceError

__all__ = ["Samples", "fold", "median_step_s"]


@dataclass(frozen=True)
class Samples:
    """n samples of paths between named nodes, in any order."""

    at_s: NDArray[np.float64]
    """[n] seconds since the epoch."""
    source: NDArray[np.intp]
    """[n] index into the names."""
    target: NDArray[np.intp]
    rtt: NDArray[np.float64]
    """[n] +inf lost, NaN not measured."""
    nodes: Sequence[str]

    @property
    def pair(self) -> NDArray[np.intp]:
        """[n] one number for each path."""
        return self.source * len(self.nodes) + self.target


def median_step_s(samples: Samples) -> float:
    """The median time between two samples of a path; 0 if none has two."""
    order = np.lexsort((samples.at_s, samples.pair))
    steps = np.diff(samples.at_s[order])[np.diff(samples.pair[order]) == 0]
    steps = steps[steps > 0]
    return float(np.median(steps)) if steps.size else 0.0


def fold(samples: Samples, interval_s: float, where: str) -> NDArray[np.float64]:
    """Return ``[T, N, N]``: the samples in slices of `interval_s`, NaN where there is none.

    Raises TraceError where that would not fit in memory.
    """
    count = len(samples.nodes)
    since = samples.at_s - samples.at_s.min()
    slots = np.rint((since - _phase_s(samples.pair, since, interval_s, count * count)) / interval_s)
    slots -= slots.min()
    length = int(slots.max()) + 1
    if 4 * length * count * count > MOST_BYTES:
        raise TraceError(
            f"{where}: {length} slices of {interval_s:g} s with {count} nodes do not fit in memory; "
            "use a longer --interval, or look for a wrong time"
        )
    cells = slots.astype(np.intp) * count * count + samples.pair
    folded = np.full(length * count * count, np.nan)
    cell, middle = _medians(cells, samples.rtt)
    folded[cell] = middle
    return folded.reshape(length, count, count)


def _phase_s(pair: NDArray[np.intp], since: NDArray[np.float64], interval_s: float, pairs: int) -> NDArray[np.float64]:
    """[n] where in the interval a sample's path is usually measured, -1/2..1/2 of it: the circular mean."""
    angle = 2 * np.pi * (since / interval_s % 1.0)
    x = np.bincount(pair, np.cos(angle), minlength=pairs)
    y = np.bincount(pair, np.sin(angle), minlength=pairs)
    phase: NDArray[np.float64] = (np.arctan2(y, x) / (2 * np.pi) * interval_s)[pair]
    return phase


def _medians(cells: NDArray[np.intp], rtt: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The cells that have a measured sample, and the median of each; between a number and a loss it is a loss."""
    measured = ~np.isnan(rtt)
    cells, rtt = cells[measured], rtt[measured]
    order = np.lexsort((rtt, cells))
    cells, rtt = cells[order], rtt[order]
    cell, first, count = np.unique(cells, return_index=True, return_counts=True)
    return cell, (rtt[first + (count - 1) // 2] + rtt[first + count // 2]) / 2
