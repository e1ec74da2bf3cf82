"""The statistics of a window that the shared network mixes and moves, as constant or learnt matrices."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

__all__ = ["AGE_WEIGHTS", "MEDIAN_LIKE", "RANK_WEIGHTS", "age_logits", "interpolation", "rank_logits", "summation"]

AGE_WEIGHTS: Final = (0.3, 1.5, 4.0, 10.0, 60.0)
"""Half-lives in slots of the decayed means: from the last value to the plain mean."""

RANK_WEIGHTS: Final = ((0.5, 0.03), (0.5, 0.15), (0.5, 0.5), (0.2, 0.1), (0.8, 0.1))
"""(centre, width) in levels of the L-estimators: the median, trimmed means, the lower and the upper side."""

MEDIAN_LIKE: Final = len(AGE_WEIGHTS)
"""Which of all statistics is the median: where the network starts from."""


def age_logits(window: int) -> Tensor:
    """Return ``[5, w]``: softmax of a row weighs the slots, oldest first, by `AGE_WEIGHTS`."""
    age = torch.arange(window - 1, -1, -1, dtype=torch.float32)
    return torch.stack([-age * float(np.log(2.0)) / half_life for half_life in AGE_WEIGHTS])


def rank_logits(window: int) -> Tensor:
    """Return ``[5, w]``: softmax of a row weighs the sorted slots, smallest first, by `RANK_WEIGHTS`."""
    level = torch.linspace(0.0, 1.0, window)
    return torch.stack([-(((level - centre) / width) ** 2) for centre, width in RANK_WEIGHTS])


def interpolation(levels: Sequence[float], window: int) -> Tensor:
    """Return ``[w, q]``: sorted slots times this are their quantiles (Hyndman and Fan's type 7)."""
    weights = np.zeros((window, len(levels)), np.float32)
    for column, level in enumerate(levels):
        rank = level * (window - 1)
        below = int(rank)
        weights[below, column] += 1.0 - (rank - below)
        weights[min(below + 1, window - 1), column] += rank - below
    return torch.from_numpy(weights)


def summation(levels: Sequence[float]) -> Tensor:
    """Return ``[q - 1, q]``: gaps between neighbouring quantiles times this are their distances from the median.

    Gaps are never negative, so the quantiles never cross. Raises ValueError if .5 is not among the levels.
    """
    middle = list(levels).index(0.5)
    signs = torch.zeros(len(levels) - 1, len(levels))
    for gap in range(len(levels) - 1):
        if gap >= middle:
            signs[gap, gap + 1 :] = 1.0
        else:
            signs[gap, : gap + 1] = -1.0
    return signs
