"""Exponentially decayed means over a window: recent slots count more, gaps count nothing."""

from dataclasses import dataclass

import numpy as np

from scoring.arrays import Bools, Floats

__all__ = ["DecayedMean", "decayed_mean", "slot_weights"]


@dataclass(frozen=True)
class DecayedMean:
    """A weighted mean per row and how much stands behind it."""

    value: Floats
    """``[n]``; NaN where no slot counts."""
    weight: Floats
    """``[n]``: the sum of the weights of the slots that count."""
    samples: Floats
    """``[n]``: Kish's effective sample size, (sum w)^2 / sum w^2; 0 where no slot counts."""


def slot_weights(width: int, half_life: float) -> Floats:
    """Return ``[width]`` weights, 1 for the newest (last) slot, halving every `half_life` slots before it."""
    return np.exp2(np.arange(1 - width, 1, dtype=np.float64) / half_life)


def decayed_mean(values: Floats | Bools, counts: Bools, half_life: float) -> DecayedMean:
    """Average each row with decayed weights.

    Args:
        values: ``[n, w]``, oldest first, True being 1; entries that do not count may hold anything.
        counts: ``[n, w]``: which entries count.
        half_life: slots after which a sample counts half.
    """
    weights = slot_weights(values.shape[1], half_life)
    counted = counts.astype(np.float64)
    total, squares = counted @ weights, counted @ weights**2
    some = total > 0
    mean = (np.where(counts, values, 0.0) @ weights) / np.where(some, total, 1.0)
    return DecayedMean(np.where(some, mean, np.nan), total, total**2 / np.where(some, squares, 1.0))
