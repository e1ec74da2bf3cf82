"""Levels and noise that the kinds of series share: from a LAN's tenth of a millisecond to a satellite's half second."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["SLOWEST_MS", "Floats", "levels", "scales", "shaped_noise", "to_rtt"]

Floats = NDArray[np.float64]

FASTEST_MS: Final = 0.1
SLOWEST_MS: Final = 500.0
SHAPES: Final = (0.35, 0.15, 0.25, 0.25)
"""How often each shape of noise: normal, uniform, Laplace, log-normal. On the last two a mean loses to the median."""

LEAST_PART: Final = 0.05
"""No sample lies below this part of its level: light has to travel there and back however good the day is."""


def levels(rng: np.random.Generator, n: int) -> Floats:
    """Return ``[n, 1]``: levels in ms, alike on a logarithmic scale."""
    return np.exp(rng.uniform(np.log(FASTEST_MS), np.log(SLOWEST_MS), (n, 1)))


def scales(rng: np.random.Generator, n: int, least: float = 0.01, most: float = 0.25) -> Floats:
    """Return ``[n, 1]``: noise as a part of the level, alike on a logarithmic scale."""
    return np.exp(rng.uniform(np.log(least), np.log(most), (n, 1)))


def shaped_noise(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Return ``[n, length]``: independent samples with variance 1, each row normal, uniform, Laplace or log-normal."""
    shape = (n, length)
    spread = 0.5
    lognormal = np.exp(spread * rng.standard_normal(shape))
    variance = np.exp(spread**2)
    choices = np.stack(
        [
            rng.standard_normal(shape),
            rng.uniform(-np.sqrt(3.0), np.sqrt(3.0), shape),
            rng.laplace(0.0, np.sqrt(0.5), shape),
            (lognormal - np.sqrt(variance)) / np.sqrt(variance * (variance - 1.0)),
        ]
    )
    return choices[rng.choice(len(choices), n, p=SHAPES), np.arange(n)]


def to_rtt(level_ms: Floats, deviation: Floats) -> Floats:
    """Return ``level * (1 + deviation)`` in ms, kept above what the distance allows.

    Args:
        level_ms: ``[n, 1]``.
        deviation: ``[n, length]``, relative to the level.
    """
    return level_ms * np.maximum(1.0 + deviation, LEAST_PART)
