"""Round trips of made-up paths: each has a level of its own, small noise, and now and then a loss."""

import numpy as np
from numpy.typing import NDArray

from prober.wire import LOST

__all__ = ["Paths"]

LOSSES = 0.002
"""Share of the samples."""


class Paths:
    """n paths. Levels are lognormal around 8 ms: about one path in ten has 20 ms or more, as far regions have."""

    def __init__(self, count: int, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self.level_ms: NDArray[np.float64] = np.exp(self._rng.normal(np.log(8.0), 0.72, count))

    def samples(self, count: int) -> NDArray[np.float64]:
        """[n, count] the next samples of every path in ms, rounded to microseconds; -1 where lost."""
        return self.next(np.arange(len(self.level_ms)), count)

    def next(self, which: NDArray[np.intp], count: int = 1) -> NDArray[np.float64]:
        """[len(which), count] of some paths."""
        shape = (len(which), count)
        noise_ms = self._rng.gamma(2.0, 0.02, shape) * self.level_ms[which, None]
        found = np.round(self.level_ms[which, None] + noise_ms, 3)
        found[self._rng.random(shape) < LOSSES] = LOST
        return found
