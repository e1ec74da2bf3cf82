"""How noisy a node's own access link is now: the excess of all its links over their floors, pooled.

A slow reading on one path says little about that path; slow readings on all paths of a node say that its own link is
congested, and that the path in question will suffer too. On recorded traces this pooled view is the largest single
gain over looking at the path alone (it is called `xrow` there).

A node's noise is kept as a survival curve: ``P(excess > edge)`` at fixed edges, so that any margin is a lookup.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scoring.arrays import Bools, Floats, Ints
from scoring.buckets import LogGrid
from scoring.quantile import finite_quantile

__all__ = [
    "BINS",
    "CURVE_SLOTS",
    "EDGES_MS",
    "FLOOR_LEVEL",
    "RECENT_SLOTS",
    "Margins",
    "exceed",
    "exceed_at",
    "pooled_curves",
    "pooled_excess",
    "unknown",
    "window_floor",
]

FLOOR_LEVEL = 0.1
"""The floor of a link is the 10th percentile of its finite samples: what it shows when nothing is in its way."""

RECENT_SLOTS = 40
"""Noise is what happens now: only the newest slots of each window count."""

CURVE_SLOTS: tuple[int, ...] = (3, 12, RECENT_SLOTS)
"""Slots of the curves that forecasts look at: what has just begun, and what is usual for the moment."""

EDGES_MS: Floats = np.concatenate([[0.0], LogGrid(first_ms=0.01, last_ms=10_000.0, edge_count=97).edges, [np.inf]])
"""``[BINS]`` 0, then 16 edges a decade from 10 microseconds to 10 s, then +inf, where only losses remain."""

BINS: int = EDGES_MS.size


def unknown(n: int) -> Floats:
    """Return the noise ``[n, BINS]`` of n nodes of which nothing is known."""
    return np.full((n, BINS), np.nan)


def window_floor(windows: Floats) -> Floats:
    """Return ``[n]``: the floor of each link in ms; NaN without a finite sample."""
    return finite_quantile(windows, FLOOR_LEVEL)


def pooled_excess(windows: Floats, slots: int = RECENT_SLOTS) -> Floats:
    """Return the survival curve ``[BINS]`` of the excess over all links of one source node.

    Args:
        windows: ``[k, w]``, one row for each link of the node. Unmeasured slots are left out, losses are an infinite
            excess, and so is each loss of a link that has no floor because it never answered.
        slots: how many of the newest slots count.

    Returns:
        P(excess > edge) at each of `EDGES_MS` (from 1 downwards; at +inf: the loss rate, where the comparison is
        with "at least"); all NaN if nothing was measured.
    """
    curve: Floats = pooled_curves(windows, (slots,))[0]
    return curve


def pooled_curves(windows: Floats, slots: Sequence[int] = CURVE_SLOTS) -> Floats:
    """Return the survival curves ``[len(slots), BINS]`` of `pooled_excess` over several numbers of newest slots."""
    recent = windows[:, max(windows.shape[1] - max(slots), 0) :]
    lost = np.isposinf(recent)
    excess = np.where(lost, np.inf, np.where(lost, 0.0, recent) - window_floor(windows)[:, None])
    # searchsorted(left) counts the edges strictly below an excess: those that it exceeds. A loss reaches +inf as well.
    exceeded = np.searchsorted(EDGES_MS, excess, side="left") + np.isposinf(excess)
    known = ~np.isnan(excess)
    return np.stack([_survival(exceeded[:, -k:][known[:, -k:]]) for k in slots])


def _survival(exceeded: Ints) -> Floats:
    """Return P(excess > edge) from how many edges each sample exceeds; NaN without a sample."""
    if exceeded.size == 0:
        return np.full(BINS, np.nan)
    counts = np.bincount(exceeded, minlength=BINS + 1)
    survival: Floats = np.cumsum(counts[::-1])[::-1][1:] / exceeded.size
    return survival


def exceed(noise: Floats, margin_ms: Floats) -> Floats:
    """Return ``[n]``: P(excess > margin), interpolated between the edges.

    Args:
        noise: ``[n, BINS]`` survival curves.
        margin_ms: ``[n]``: SLA minus the path's floor. Below 0 the floor itself breaks the SLA: 1. At +inf only the
            losses exceed it.

    Returns:
        Linear in log margin between two edges (linear below the first); NaN where the noise or the margin is unknown.
    """
    return exceed_at(noise[:, None], np.arange(len(noise)), margin_ms)[:, 0]


def exceed_at(curves: Floats, rows: Ints, margin_ms: Floats) -> Floats:
    """Return ``[n, c]``: what `exceed` says of c curves at once.

    Args:
        curves: ``[m, c, BINS]`` survival curves of m nodes, each NaN as a whole or not at all.
        rows: ``[n]``: which node's curves each margin is asked of.
        margin_ms: ``[n]``.
    """
    return Margins.of(margin_ms).exceeded(curves, rows, range(curves.shape[1]))


@dataclass(frozen=True)
class Margins:
    """Where n margins lie among the edges: found once, whichever curves are asked."""

    upper: Ints
    """``[n]``: the edge at which each margin's interval ends."""
    share: Floats
    """``[n]``: how far into its interval each margin lies, 0..1."""
    broken: Bools
    """``[n]``: below 0: the floor itself breaks the SLA."""
    unknown: Bools
    """``[n]``."""

    @classmethod
    def of(cls, margin_ms: Floats) -> "Margins":
        """Find margins ``[n]`` in ms; NaN is unknown."""
        unknown = np.isnan(margin_ms)
        margin = np.where(unknown, 0.0, np.maximum(margin_ms, 0.0))
        upper = np.clip(np.searchsorted(EDGES_MS, margin, side="left"), 1, BINS - 1)
        return cls(upper, _share(margin, upper), margin_ms < 0, unknown)

    def part(self, start: int, end: int) -> "Margins":
        """Return some that follow each other."""
        part = slice(start, end)
        return Margins(self.upper[part], self.share[part], self.broken[part], self.unknown[part])

    def exceeded(self, curves: Floats, rows: Ints, which: Sequence[int]) -> Floats:
        """Return ``[n, len(which)]``: P(excess > margin) by these curves of nodes, as `exceed_at` says."""
        starts = (rows[:, None] * curves.shape[1] + np.asarray(which)) * BINS
        right_at, flat = starts + self.upper[:, None], curves.reshape(-1)
        left, right = flat.take(right_at - 1), flat.take(right_at)
        p: Floats = left + (right - left) * self.share[:, None]
        p[self.broken[:, None] & ~np.isnan(p)] = 1.0
        p[self.unknown] = np.nan
        return p


_LOG_EDGES: Floats = np.log(EDGES_MS[1:-1])
_LOG_STEP = float(np.log(EDGES_MS[2] / EDGES_MS[1]))


def _share(margin: Floats, upper: Ints) -> Floats:
    """Return where each margin lies in the interval that ends at edge `upper`, 0..1."""
    below = np.clip(upper - 2, 0, _LOG_EDGES.size - 1)
    inner = (np.log(np.maximum(margin, EDGES_MS[1])) - _LOG_EDGES[below]) / _LOG_STEP
    share = np.where(upper == 1, margin / EDGES_MS[1], inner)
    # Beyond the last finite edge: losses alone, reached only at +inf itself, so the step down is taken at once.
    share = np.where(upper == BINS - 1, margin > EDGES_MS[-2], share)
    clipped: Floats = np.clip(share, 0.0, 1.0)
    return clipped
