"""From costs to the integers 0..10 that kube-scheduler takes from an extender.

kube-scheduler adds these scores, weighted, to those of its other plugins. So a difference must mean something: the
costs are stretched over the candidates (min-max; on recorded traces that costs nothing against exact costs, while an
absolute scale does), floored so that only the best reaches the maximum, and squeezed together when their spread lies
within the noise, so that indistinguishable nodes score alike and the other plugins decide.
"""

import math

import numpy as np

from scoring.arrays import Floats, Ints

__all__ = ["MAX_SCORE", "NEUTRAL", "rank"]

MAX_SCORE = 10
"""The maximum priority of an extender (MaxExtenderPriority in kube-scheduler's extender/v1 types)."""

NEUTRAL = 5
"""What candidates get that cannot be told apart: the middle, so that it neither praises nor blames."""

# Costs that are shifted or scaled round differently; without this, .3 * 10 might floor to 2 or 3.
_TOLERANCE = 1e-9

_TINY = float(np.finfo(np.float64).tiny)

_ROUNDING = 1e-12
"""Costs that differ by less than this part of the largest are equal."""

_NOISE_WIDTH = 2.0
"""The spread counts fully once it is two standard errors of the difference between best and worst."""


def rank(cost: Floats, noise: Floats | None = None) -> Ints:
    """Return ``[n]`` scores in 0..10, higher for lower costs.

    With c the costs, s = max c - min c and r = min(1, s / (2 sqrt(noise_best^2 + noise_worst^2))), a candidate gets
    floor(10 r (max c - c) / s). If all of them come out alike, all get `NEUTRAL`.

    Args:
        cost: ``[n]``, lower is better, any unit. +inf is worse than everything and does not stretch the scale: such a
            candidate gets 0. NaN says nothing, so it counts as the median of the others. -inf counts as the lowest
            finite cost.
        noise: ``[n]`` standard errors of the costs, same unit; None or NaN: none. An infinite one makes all alike.
    """
    if cost.size == 0:
        return np.zeros(0, dtype=np.int64)
    best, worst = int(cost.argmin()), int(cost.argmax())
    if math.isfinite(cost[best]) and math.isfinite(cost[worst]):  # a NaN would have been found as either
        return _stretch(cost, noise, best, worst)
    dead = np.isposinf(cost)
    alive = _settled(cost[~dead])
    scores = np.zeros(cost.size, dtype=np.int64)
    if alive.size:
        quiet = None if noise is None else noise[~dead]
        scores[~dead] = _stretch(alive, quiet, int(alive.argmin()), int(alive.argmax()))
    elif dead.all():
        scores[:] = NEUTRAL
    return scores


def _settled(cost: Floats) -> Floats:
    """Return costs without NaN and -inf, as `rank` says."""
    finite = cost[np.isfinite(cost)]
    if finite.size == 0:
        return np.where(np.isneginf(cost), -1.0, 0.0) if np.isneginf(cost).any() else np.zeros(cost.size)
    settled = np.where(np.isneginf(cost), finite.min(), cost)
    # Halved, as the median of an even number is a mean, which may overflow.
    middle = 2.0 * np.median(settled[~np.isnan(settled)] / 2.0)
    return np.where(np.isnan(settled), middle, settled)


def _stretch(cost: Floats, noise: Floats | None, best: int, worst: int) -> Ints:
    """Return the floored min-max of finite costs, squeezed by the noise of the two extremes."""
    lowest, highest = float(cost[best]), float(cost[worst])
    # Halved, so that the spread of the largest floats does not overflow.
    spread = highest / 2 - lowest / 2
    # Equal costs that were summed in another order differ by rounding; subnormal spreads have no digits to divide by.
    if spread <= max(_ROUNDING * max(abs(lowest), abs(highest)), _TINY):
        return np.full(cost.size, NEUTRAL, dtype=np.int64)
    doubt = 0.0 if noise is None else _NOISE_WIDTH * math.hypot(_quiet(noise[best]) / 2, _quiet(noise[worst]) / 2)
    ratio = 1.0 if doubt <= spread else spread / doubt
    share = (highest / 2 - cost / 2) / spread
    scores = np.floor(MAX_SCORE * ratio * share + _TOLERANCE).astype(np.int64)
    return scores if scores[best] else np.full(cost.size, NEUTRAL, dtype=np.int64)


def _quiet(noise: float) -> float:
    """Return a standard error, 0 where there is none."""
    return 0.0 if math.isnan(noise) else float(noise)
