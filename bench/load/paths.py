"""Round trips of made-up paths: each has a level of its own, small noise, and now and then a loss."""

import random

import numpy as np
from numpy.typing import NDArray

from prober.wire import LOST

__all__ = ["Paths"]

LOSSES = 0.002
"""Share of the samples."""

MEDIAN_MS, SPREAD = 8.0, 0.72
"""Of the lognormal levels: about one path in ten has 20 ms or more, as far regions have."""


class Paths:
    """n paths, the same for the same seed."""

    def __init__(self, count: int, seed: int) -> None:
        self._rng, self._one = np.random.default_rng(seed), random.Random(seed)
        self.level_ms: NDArray[np.float64] = np.exp(self._rng.normal(np.log(MEDIAN_MS), SPREAD, count))
        self._levels_ms: list[float] = self.level_ms.tolist()

    def samples(self, count: int) -> NDArray[np.float64]:
        """[n, count] the next samples of every path in ms, rounded to microseconds; -1 where lost."""
        return self.next(np.arange(len(self.level_ms)), count)

    def next(self, which: NDArray[np.intp], count: int = 1) -> NDArray[np.float64]:
        """[len(which), count] of some paths."""
        shape = (len(which), count)
        found = np.round(self.level_ms[which, None] * (1 + self._rng.gamma(2.0, 0.02, shape)), 3)
        found[self._rng.random(shape) < LOSSES] = LOST
        return found

    def one(self, place: int) -> float:
        """The next sample of one path, without the cost of an array."""
        if self._one.random() < LOSSES:
            return LOST
        return round(self._levels_ms[place] * (1 + 0.04 * self._one.random()), 3)
