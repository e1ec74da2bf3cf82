"""What surrounds n paths to one peer: the way back, and how noisy the links of both ends are now.

A path's own window says little about a congestion that has just begun; the other paths of its two nodes, and the same
path measured from the other end, say it earlier. Forecasts use this context where there is any.
"""

from dataclasses import dataclass

import numpy as np

from scoring.arrays import Floats, Ints
from scoring.noise import BINS, CURVE_SLOTS

__all__ = ["CURVES", "Context"]

CURVES: int = 2 * len(CURVE_SLOTS)
"""Noise curves of a node: of its outgoing links over each of `CURVE_SLOTS`, then of its incoming links."""


@dataclass(frozen=True)
class Context:
    """The surroundings of n paths."""

    reverse: Floats
    """``[n, w]``: the same paths measured from the other end, ms; NaN where they are not."""
    curves: Floats
    """``[m, CURVES, noise.BINS]``: noise of m nodes; NaN where it is unknown."""
    candidate: Ints
    """``[n]``: each path's candidate in `curves`."""
    peer: int
    """The peer in `curves`."""

    def take(self, rows: Ints | slice) -> "Context":
        """Return the context of some of the paths."""
        return Context(self.reverse[rows], self.curves, self.candidate[rows], self.peer)

    @classmethod
    def unknown(cls, n: int, width: int) -> "Context":
        """Return the context of paths of which nothing else is known."""
        curves = np.full((1, CURVES, BINS), np.nan)
        return cls(np.full((n, width), np.nan), curves, np.zeros(n, np.int64), 0)
