"""Whether a forecast of violations is better than the naive one: Brier scores, and who may answer.

The Brier score of a probability is its squared distance to what came (Brier 1950); what comes here is the fraction of
the horizon above the SLA. The skill compares two: 1 - model / naive, above 0 where the model is better.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import Bools, Floats
from scoring.forecast import HORIZON_SLOTS

__all__ = ["ENOUGH", "MARGIN", "MIN_MEASURED", "brier", "decayed", "outcome", "skill", "trusted"]

MIN_MEASURED: Final = 10
"""Slots of the horizon that must have been measured to judge a forecast by."""

ENOUGH: Final = 30.0
"""Weight of outcomes below which a skill says nothing."""

MARGIN: Final = 0.02
"""A model must lose or win by so much to be put aside or taken back: without it, noise would switch it to and fro."""

HALF_LIFE_SLOTS: Final = 720.0
"""After which an outcome counts half: two hours of 10 s."""

_EQUAL: Final = 1e-6
"""Brier scores below this are as good as none: both forecasts were right."""


def outcome(windows: Floats, sla_ms: float, late_slots: int = 0) -> Floats:
    """Return ``[n]``: the fraction of the horizon above the SLA, losses included; NaN where too little was measured.

    Args:
        windows: ``[n, w]`` whose newest slots but `late_slots` are the horizon.
        sla_ms: the SLA.
        late_slots: how many slots ago the horizon ended.
    """
    end = max(windows.shape[1] - late_slots, 0)
    horizon = windows[:, max(end - HORIZON_SLOTS, 0) : end]
    measured = (~np.isnan(horizon)).sum(axis=1)
    above = (horizon > sla_ms).sum(axis=1)
    return np.where(measured >= MIN_MEASURED, above / np.maximum(measured, 1), np.nan)


def brier(probability: NDArray[np.floating], came: Floats) -> Floats:
    """Return ``[n]``: the squared error of each forecast; NaN where either is unknown."""
    error: Floats = (probability - came) ** 2
    return error


def decayed(elapsed_slots: float) -> float:
    """Return what is left of a weight after so many slots."""
    return float(np.exp2(-max(elapsed_slots, 0.0) / HALF_LIFE_SLOTS))


def skill(model: Floats, naive: Floats) -> Floats:
    """Return 1 - model / naive, of Brier scores of any shape; 0 where both are nothing."""
    value: Floats = 1.0 - (model + _EQUAL) / (naive + _EQUAL)
    return value


def trusted(before: Bools, skill_now: Floats, weight: Floats) -> Bools:
    """Return ``[g]``: whether each group's model may answer: until it loses, and again once it wins.

    Args:
        before: ``[g]`` what held until now; it holds on while the skill is within the margin or says nothing.
        skill_now: ``[g]``.
        weight: ``[g]`` decayed number of outcomes behind each skill.
    """
    enough = weight >= ENOUGH
    lost, won = enough & (skill_now < -MARGIN), enough & (skill_now > MARGIN)
    answer: Bools = won | (before & ~lost)
    return answer
