"""How far a reading may be from its estimate, learnt from pairs that were measured but kept out of the fit.

It is single readings that estimates are compared with, not medians: a promise is about what a packet takes.

The logarithm of measured / estimated is taken for Laplace distributed: on held-out pairs of a made-up internet the
intervals that should hold 50, 80 and 90 % of the values held 52, 81 and 90 %, where a normal distribution with the same
80 % would hold 58, 81 and 87 %: few estimates are very wrong. And its distribution function is elementary.

The scale of a pair depends on its estimate, because near pairs are told apart worst, and on both nodes: on how badly
their measured pairs fit, and on how many these are.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.arrays import Floats, Ints
from scoring.coordinates import DIMENSIONS, Coordinates, Pairs

__all__ = ["LEAST_HELD", "USELESS_SIGMA", "Spread", "above", "calibrated", "expected_ms", "within"]

LEAST_HELD: Final = 20
"""With fewer held-out pairs nobody knows how wrong the estimates are."""

USELESS_SIGMA: Final = 1.2
"""Standard deviation of the logarithm from which an estimate is none: one in five would be wrong by a factor of 4."""

_LEVEL: Final = 0.8
"""Of the absolute log errors: the quantile that the scale is made to match."""

_PAIRS_A_KNOT, _MOST_KNOTS = 40, 12
"""Held-out pairs for each point of the curve of scales over estimates."""

_PRIOR_PAIRS: Final = 4.0
"""Pairs with a usual error that a node's own record begins with."""

_MOST_RATIO: Final = 6.0
"""An error that is more often the usual one counts as this, so that one outlier does not make a node bad."""


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the logarithm of estimates."""

    log_ms: Floats
    """``[k]``: logarithms of estimates, ascending."""
    sigma: Floats
    """``[k]``: the standard deviation at these, of a pair of usual nodes."""
    factor: Floats
    """``[n]``: how much worse than usual each node's pairs are; a pair has the geometric mean of its nodes'."""

    def sigma_log(self, a: Ints, b: Ints, rtt_ms: Floats) -> Floats:
        """Return the standard deviation of log(measured / estimated) for pairs and their estimates; they broadcast."""
        usual = np.interp(np.log(rtt_ms), self.log_ms, self.sigma)
        sigma: Floats = usual * np.sqrt(self.factor[a] * self.factor[b])
        return sigma


def calibrated(coordinates: Coordinates, fitted: Pairs, held: Pairs) -> Spread | None:
    """Return the spread of the estimates that coordinates make; None with fewer than `LEAST_HELD` held-out pairs.

    Args:
        fitted: the pairs that the coordinates were fitted to.
        held: pairs that were kept out.
    """
    if len(held.a) < LEAST_HELD:
        return None
    factor = _factors(coordinates, fitted)
    estimate = coordinates.rtt_ms(held.a, held.b)
    error = np.abs(np.log(held.reading_ms / estimate))
    error = error / np.sqrt(factor[held.a] * factor[held.b])
    log_ms, quantile = _curve(np.log(estimate), error, _LEVEL)
    return Spread(log_ms, np.maximum(quantile, 1e-3) / within(_LEVEL), factor)


def within(level: float) -> float:
    """Return how many standard deviations to both sides hold this share of a Laplace distribution, 0 <= share < 1."""
    return float(-np.log(1.0 - level) / np.sqrt(2.0))


def above(rtt_ms: Floats, sigma_log: Floats, limit_ms: float) -> Floats:
    """Return ``[n]``: P(RTT > limit) of estimates with these medians and spreads; NaN where there is none."""
    distance = np.sqrt(2.0) * (np.log(limit_ms) - np.log(rtt_ms)) / sigma_log
    tail = 0.5 * np.exp(-np.abs(distance))
    share: Floats = np.where(distance >= 0, tail, 1.0 - tail)
    return np.where(np.isnan(rtt_ms), np.nan, share)


def expected_ms(rtt_ms: Floats, sigma_log: Floats) -> Floats:
    """Return ``[n]``: the mean of the log-Laplace distribution, median / (1 - sigma^2 / 2); sigma below sqrt(2)."""
    mean: Floats = rtt_ms / (1.0 - sigma_log**2 / 2.0)
    return mean


def _factors(coordinates: Coordinates, fitted: Pairs) -> Floats:
    """Return ``[n]``: the mean ratio of each node's errors to those that are usual for such estimates.

    Few pairs fit well whatever they say, so it grows by sqrt(1 + parameters / pairs).
    """
    nodes = len(coordinates.height_ms)
    estimate, error = _errors(coordinates, fitted)
    usual = np.interp(np.log(estimate), *_curve(np.log(estimate), error, 0.5))
    ratio = np.minimum(error / np.maximum(usual, 1e-3), _MOST_RATIO)
    mean = float(ratio.mean()) if len(ratio) and ratio.any() else 1.0
    degree = fitted.degrees(nodes)
    own = np.bincount(fitted.a, ratio, nodes) + np.bincount(fitted.b, ratio, nodes)
    record = (_PRIOR_PAIRS * mean + own) / (_PRIOR_PAIRS + degree) / mean
    factor: Floats = record * np.sqrt(1.0 + (DIMENSIONS + 1) / np.maximum(degree, 1))
    return factor


def _errors(coordinates: Coordinates, pairs: Pairs) -> tuple[Floats, Floats]:
    """Return ``[m]`` estimates and their absolute log errors against what is usual."""
    estimate = coordinates.rtt_ms(pairs.a, pairs.b)
    return estimate, np.abs(np.log(estimate / pairs.rtt_ms))


def _curve(x: Floats, y: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the quantile of y over x: parts of equally many, at the median of each part's x, ascending."""
    if not len(x):
        return np.zeros(1), np.ones(1)
    parts = np.array_split(np.argsort(x, kind="stable"), int(np.clip(len(x) // _PAIRS_A_KNOT, 1, _MOST_KNOTS)))
    return np.array([np.median(x[p]) for p in parts]), np.array([np.quantile(y[p], level) for p in parts])
