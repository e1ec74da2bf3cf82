"""MacKinnon's response surfaces for the Dickey-Fuller t statistic with a constant (one series).

P-values: J. G. MacKinnon, "Approximate Asymptotic Distribution Functions for Unit-Root and Cointegration Tests",
Journal of Business & Economic Statistics 12 (1994) 167-176, tables 3 and 4. Critical values: J. G. MacKinnon,
"Critical Values for Cointegration Tests", Queen's University, Department of Economics, working paper 1227 (2010),
table 2. Only the rows for N = 1 and the model with a constant are needed here.
"""

from math import erfc, sqrt

import numpy as np

from scoring.arrays import Floats, Ints

__all__ = ["LEVELS", "critical_values", "p_value"]

LEVELS: tuple[float, float, float] = (0.01, 0.05, 0.10)
"""The significance levels of the critical values."""

# p = Phi(polynomial in tau), lowest power first; the left tail has a polynomial of its own.
_TAU_MIN, _TAU_STAR, _TAU_MAX = -18.83, -1.61, 2.74
_LEFT = (2.1659, 1.4412, 0.038269)
_RIGHT = (1.7339, 0.93202, -0.12745, -0.010368)

# critical value = b0 + b1 / T + b2 / T^2 + b3 / T^3; one row per level.
_SURFACE = np.array(
    [
        [-3.43035, -6.5393, -16.786, -79.433],
        [-2.86154, -2.8903, -4.234, -40.040],
        [-2.56677, -1.5384, -2.809, 0.0],
    ]
)


def p_value(statistic: Floats) -> Floats:
    """Return MacKinnon's approximate asymptotic p-value of each statistic ``[n]``; NaN for NaN."""
    tau = np.clip(statistic, _TAU_MIN, _TAU_MAX)
    powers = np.stack([np.ones_like(tau), tau, tau**2, tau**3])
    left = np.array(_LEFT) @ powers[:3]
    right = np.array(_RIGHT) @ powers
    p = _normal_cdf(np.where(tau <= _TAU_STAR, left, right))
    p = np.where(statistic < _TAU_MIN, 0.0, p)
    return np.where(statistic > _TAU_MAX, 1.0, p)


def critical_values(sample_size: Ints) -> Floats:
    """Return ``[n, 3]``: the statistic at the 1 %, 5 % and 10 % level for regressions on ``sample_size[n]`` rows."""
    inverse = 1.0 / np.asarray(sample_size, dtype=np.float64)
    powers = np.stack([np.ones_like(inverse), inverse, inverse**2, inverse**3], axis=-1)
    values: Floats = powers @ _SURFACE.T
    return values


def _normal_cdf(z: Floats) -> Floats:
    """Return Phi(z); numpy has no error function, and `math.erfc` keeps the digits of both tails."""
    half = 1.0 / sqrt(2.0)
    return np.array([0.5 * erfc(-value * half) for value in z.tolist()], dtype=np.float64)
