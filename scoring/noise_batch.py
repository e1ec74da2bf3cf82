"""The noise of many nodes at once: what `scoring.noise.pooled_curves` says of each, in one pass over all their links.

Most of that work is to find how many edges each excess is above. The edges are a geometric series, and the upper
sixteen bits of a double (sign, exponent and four bits of the mantissa) tell sixteen cells to a doubling, so that a cell
holds one edge at most: a table names it, and one comparison settles it.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import Floats, Ints
from scoring.noise import BINS, CURVE_SLOTS, EDGES_MS, FLOOR_LEVEL

__all__ = ["edges_exceeded", "pooled_curves_by"]

UNKNOWN: Final = BINS + 1
"""What an excess that is NaN exceeds: it is left out."""

_UPPER: Final = 3 if np.little_endian else 0
"""Which of a double's four parts of sixteen bits is the upper one."""


def _below() -> NDArray[np.uint8]:
    """Return by the upper bits of a double how many edges are below all doubles that begin so; BINS for +inf."""
    cells = np.arange(1 << 16, dtype=np.uint64) << np.uint64(48)
    lowest = cells.view(np.float64)
    below = np.searchsorted(EDGES_MS[:-1], np.where(lowest > 0, lowest, 0.0), side="left")
    below = np.where(np.isposinf(lowest), BINS, below)
    return np.where(np.isnan(lowest), UNKNOWN, below).astype(np.uint8)


_BELOW: NDArray[np.uint8] = _below()

_NEXT_MS: Floats = np.append(EDGES_MS, [np.inf, np.inf])
"""``[UNKNOWN + 1]``: the edge above so many."""


def edges_exceeded(excess: Floats) -> NDArray[np.uint8]:
    """Return ``[n, w]`` how many of `EDGES_MS` each excess is above; a loss (+inf) reaches the last one as well."""
    upper = np.ascontiguousarray(excess).view(np.uint16)[..., _UPPER::4]
    below = _BELOW.take(upper)  # which is twice as fast as an index
    found: NDArray[np.uint8] = below + (excess > _NEXT_MS.take(below))
    return found


def pooled_curves_by(
    windows: NDArray[np.floating], group: Ints, groups: int, slots: Sequence[int] = CURVE_SLOTS
) -> Floats:
    """Return the survival curves ``[groups, len(slots), BINS]`` of each group of links.

    Args:
        windows: ``[k, w]``, one row for each link, as for `pooled_curves`, in single or double precision.
        group: ``[k]``: which group each link belongs to, from 0.
        groups: how many groups there are; one without a link is NaN.
        slots: over how many newest slots, ascending, as for `pooled_curves`.
    """
    recent = windows[:, max(windows.shape[1] - slots[-1], 0) :]
    # A link without a floor never answered, so that all its excesses are infinite or unknown whatever the floor is.
    excess = recent - np.nan_to_num(_floor(windows))[:, None]
    ages = np.arange(recent.shape[1])[::-1]
    # Each sample counts in the narrowest of the spans that it lies in; the wider ones add up.
    span = np.searchsorted(slots, ages, side="right")
    width = BINS + 2
    cells = edges_exceeded(excess) + ((group * (len(slots) * width))[:, None] + span * width)
    counts = np.bincount(cells.ravel(), minlength=groups * len(slots) * width).reshape(groups, len(slots), width)
    reached = np.cumsum(counts[:, :, UNKNOWN - 1 :: -1], axis=2)[:, :, ::-1].cumsum(axis=1)
    size = reached[:, :, :1]
    return np.where(size > 0, reached[:, :, 1:] / np.maximum(size, 1), np.nan)


def _floor(windows: NDArray[np.floating]) -> Floats:
    """Return ``[n]`` what `scoring.noise.window_floor` says: in single precision numbers are in the same order."""
    n = len(windows)
    if not windows.shape[1]:
        return np.full(n, np.nan)
    last = np.isfinite(windows).sum(axis=1) - 1
    ordered = np.sort(windows, axis=1)  # inf behind the numbers, NaN behind inf
    rank = FLOOR_LEVEL * np.maximum(last, 0)
    below = np.floor(rank).astype(np.int64)
    each = np.arange(n)
    low = ordered[each, below].astype(np.float64)
    high = ordered[each, np.minimum(below + 1, np.maximum(last, 0))].astype(np.float64)
    known = last >= 0
    low, high = np.where(known, low, 0.0), np.where(known, high, 0.0)
    return np.where(known, low + (high - low) * (rank - below), np.nan)
