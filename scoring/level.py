"""Whether a path has a new level: the difference between an outlier and a link that has changed for good.

A mean over ten minutes notices a broken link after minutes. But the newest samples alone are noise. So they replace all
that came before only when two in a row lie where hardly any earlier sample lay: for a path that has not changed, with
independent samples, that happens by chance in 2 x .05^2 = .5 % of all windows.
"""

import numpy as np

from scoring.arrays import Bools, Floats
from scoring.quantile import finite_quantile

__all__ = ["NEWEST", "current_level", "newest_measured"]

NEWEST = 2
"""Samples in a row that make a new level."""

TAIL = 0.05
"""Part of the earlier samples that may lie beyond them."""

EARLIER = 5
"""Fewer earlier samples say nothing about what is usual."""


def newest_measured(windows: Floats, count: int = NEWEST) -> Bools:
    """Return ``[n, w]``: the last `count` measured slots of each row (losses are measured)."""
    measured = ~np.isnan(windows)
    from_the_end: Bools = np.cumsum(measured[:, ::-1], axis=1)[:, ::-1] <= count
    return measured & from_the_end


def current_level(windows: Floats) -> tuple[Bools, Bools]:
    """Return which slots ``[n, w]`` speak for the present, and whether a row ``[n]`` has stopped answering.

    All measured slots do, or only the newest where these lie beyond the 5 % tail of the earlier ones, all on one
    side. A row whose newest samples were all lost has stopped answering, and keeps all its slots.
    """
    newest = newest_measured(windows)
    measured = ~np.isnan(windows)
    earlier = np.where(newest, np.nan, windows)
    low, high = finite_quantile(earlier, TAIL), finite_quantile(earlier, 1 - TAIL)
    enough = (np.isfinite(earlier).sum(axis=1) >= EARLIER) & (newest.sum(axis=1) == NEWEST)
    values = np.where(newest & np.isfinite(windows), windows, np.nan)
    above = ((values > high[:, None]) | ~newest).all(axis=1)
    below = ((values < low[:, None]) | ~newest).all(axis=1)
    shifted = enough & (above | below)
    silent = (newest.sum(axis=1) == NEWEST) & (np.isposinf(windows) | ~newest).all(axis=1)
    return np.where(shifted[:, None], newest, measured), silent
