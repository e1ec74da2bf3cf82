"""Whether the two directions of a path have the same round trip, as far as their windows tell."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.windows import ABSENT, WindowStore

__all__ = ["Symmetry"]

SHARE: Final = 0.2
LEAST_MS: Final = 0.1
"""Medians that differ by more than this share of the smaller one, and by more than this, are of different paths."""

ERRORS: Final = 3.0
"""They must differ by more than so many standard errors besides."""

FEW: Final = 8
"""With fewer slots measured in a window its median says nothing."""

_MEDIAN_ERROR: Final = math.sqrt(math.pi / 2) * 1.4826
"""Standard error of a median in units of the median absolute deviation / sqrt(n), for normal noise."""


class Symmetry:
    """Compares windows."""

    def __init__(self, store: WindowStore) -> None:
        self._store = store

    def asymmetric(self, node: str, others: Sequence[str], before: frozenset[str], now: float) -> frozenset[str]:
        """Those of the others whose path differs by direction; where there is too little to say, as `before`.

        A path that was asymmetric stays so until its medians differ by less than half of what made it so.
        """
        ours, theirs = self._store.rows_from(node, others), self._store.rows_to(node, others)
        both = np.flatnonzero((ours != ABSENT) & (theirs != ABSENT))
        if not len(both):
            return before.intersection(others)
        paired = [others[i] for i in both.tolist()]
        here, here_error, here_count = self._medians(ours[both], now)
        there, there_error, there_count = self._medians(theirs[both], now)
        known = (here_count >= FEW) & (there_count >= FEW)
        limit = np.maximum(LEAST_MS, SHARE * np.minimum(here, there))
        limit = np.maximum(limit, ERRORS * np.hypot(here_error, there_error))
        was = np.array([other in before for other in paired])
        differs = np.abs(here - there) > np.where(was, limit / 2, limit)
        unseen = before.intersection(others).difference(paired)
        return unseen.union(o for o, yes in zip(paired, np.where(known, differs, was), strict=True) if yes)

    def _medians(
        self, rows: NDArray[np.intp], now: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """[n] medians of the answered slots, their standard errors (both ms; 0 without any), and how many there are."""
        # What waits to be written is of the last moments, and moves no median.
        windows = self._store.windows_as_of(rows, now, flush=False).astype(np.float64)
        count = np.isfinite(windows).sum(axis=1)
        median = _middle(windows, count)
        spread = _middle(np.abs(windows - median[:, None]), count)
        return median, _MEDIAN_ERROR * spread / np.sqrt(np.maximum(count, 1)), count


def _middle(values: NDArray[np.float64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """[n] medians of the first `count` values in order, which are the finite ones; 0 where there are none."""
    ordered, each = np.sort(values, axis=1), np.arange(len(values))  # inf behind the numbers, NaN behind inf
    middle = (ordered[each, np.maximum(count - 1, 0) // 2] + ordered[each, count // 2]) / 2
    return np.where(count > 0, middle, 0.0)
