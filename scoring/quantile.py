"""Row-wise quantiles of windows with gaps and losses, without numpy's all-NaN warnings.

`numpy.nanquantile` warns on rows without a value, turns infinities into NaN when it interpolates next to them, and
loops over the rows in Python; none of that suits windows in which both gaps and losses are ordinary.
"""

import numpy as np

from scoring.arrays import Floats

__all__ = ["finite_quantile", "weighted_quantiles"]

# Cumulated weights of equal samples miss their exact fraction by a few ulps; a level within this counts as reached.
_LEVEL_TOLERANCE = 1e-12


def finite_quantile(windows: Floats, level: float) -> Floats:
    """Return the quantile of each row's finite samples.

    Args:
        windows: ``[n, w]``; NaN and infinite entries are left out.
        level: between 0 and 1; .5 is the median.

    Returns:
        ``[n]`` by linear interpolation of the order statistics (numpy's default, Hyndman and Fan's type 7); NaN for a
        row without a finite sample.
    """
    n, w = windows.shape
    if w == 0:
        return np.full(n, np.nan)
    finite = np.isfinite(windows)
    ordered = np.where(finite, windows, np.inf)
    ordered.sort(axis=1)
    last = finite.sum(axis=1) - 1
    rank = level * np.maximum(last, 0)
    below = np.floor(rank).astype(np.int64)
    rows = np.arange(n)
    low, high = ordered[rows, below], ordered[rows, np.minimum(below + 1, np.maximum(last, 0))]
    known = last >= 0
    low, high = np.where(known, low, 0.0), np.where(known, high, 0.0)
    return np.where(known, low + (high - low) * (rank - below), np.nan)


def weighted_quantiles(windows: Floats, weights: Floats, levels: Floats) -> Floats:
    """Return quantiles of each row's measured samples, losses counting as +inf.

    The quantile at level p is the smallest sample whose cumulated weight reaches p of the total (the inverse of the
    empirical distribution function, Hyndman and Fan's type 1): interpolation beside a loss would have no meaning.

    Args:
        windows: ``[n, w]``; NaN entries are left out.
        weights: ``[w]``, positive: how much each slot counts.
        levels: ``[q]``, ascending, between 0 and 1.

    Returns:
        ``[n, q]``, non-decreasing along each row; NaN for rows without a measured sample.
    """
    n, w = windows.shape
    if w == 0:
        return np.full((n, levels.size), np.nan)
    order = np.argsort(windows, axis=1)  # NaN sorts behind +inf
    ordered = np.take_along_axis(windows, order, axis=1)
    cumulated = np.cumsum(np.where(np.isnan(ordered), 0.0, weights[order]), axis=1)
    total = cumulated[:, -1:]
    share = cumulated / np.where(total > 0, total, 1.0)
    short = share[:, None, :] < (levels - _LEVEL_TOLERANCE)[None, :, None]
    last = np.maximum((~np.isnan(ordered)).sum(axis=1) - 1, 0)
    pick = np.minimum(short.sum(axis=2), last[:, None])
    return np.take_along_axis(ordered, pick, axis=1)
