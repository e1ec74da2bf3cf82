"""The ADF regressions as the reference solves them, for windows whose regression is nearly singular.

`statsmodels` solves each regression by the pseudo-inverse of its raw columns, and near singularity the result depends
on how that rounds. Here the same steps are taken with the same cutoffs, for the window w and for 3 w + 7: exact
arithmetic gives both one statistic. Where they agree, and every regression considered had full rank, it is returned.

Steps restated from `adfuller` and `OLS.fit` (statsmodels 0.15): columns constant, level, lags; no constant is added
where a column already is one; singular values up to 1e-15 of the largest are dropped; the rank counts those above
p x eps of the largest; AIC = -2 llf + 2 rank.
"""

from dataclasses import dataclass

import numpy as np

from scoring.adf_nested import max_lag
from scoring.arrays import Bools, Floats, Ints

__all__ = ["solve"]

# As far as two roundings of one statistic may lie apart, relative above 1.
_AGREEMENT = 1e-8

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class _Fit:
    """Least squares of m designs; all ``[m]``."""

    residual: Floats
    rank: Ints
    full: Bools
    t_of: Floats
    """The t statistics, ``[m, p]``."""


def solve(windows: Floats) -> tuple[Floats, Ints, Bools]:
    """Return statistic, lag and whether the reference agrees with itself on them, for windows ``[m, w]``.

    The statistic is NaN and the lag -1 where it does not.
    """
    statistic = np.full(len(windows), np.nan)
    lag = np.full(len(windows), -1, dtype=np.int64)
    # A rank-deficient search is the common case (few changes in a window), and the cheapest to see.
    rows = np.flatnonzero(_search_has_full_rank(windows))
    with np.errstate(all="ignore"):  # a perfect fit has log 0 and x / 0; its NaN and inf never agree
        first, first_lag = _adf(windows[rows])
        second, second_lag = _adf(3.0 * windows[rows] + 7.0)
        agrees = (first_lag == second_lag) & (np.abs(first - second) <= _AGREEMENT * np.maximum(1.0, np.abs(first)))
    good = rows[agrees]
    statistic[good], lag[good] = first[agrees], first_lag[agrees]
    return statistic, lag, np.isfinite(statistic)


def _search_has_full_rank(windows: Floats) -> Bools:
    """Return whether the regression with all lags, over the common sample, has full rank: then all nested ones do."""
    full = np.zeros(len(windows), dtype=np.bool_)
    for rows, design, _ in _designs(windows, max_lag(windows.shape[1]), constant_first=True):
        singular = np.linalg.svd(design, compute_uv=False)
        full[rows] = singular[:, -1] > singular[:, 0] * design.shape[2] * _EPS
    return full


def _adf(windows: Floats) -> tuple[Floats, Ints]:
    """Return statistic and lag of each window; NaN where a regression is rank-deficient or fits perfectly."""
    top = max_lag(windows.shape[1])
    aic = np.full((len(windows), top + 1), np.nan)
    for rows, design, y in _designs(windows, top, constant_first=True):
        for lag in range(top + 1):
            aic[rows, lag] = _aic(_fit(design[:, :, : design.shape[2] - top + lag], y), y.shape[1])
    best = np.where(np.isfinite(aic).all(axis=1), aic.argmin(axis=1), -1)
    statistic = np.full(len(windows), np.nan)
    for lag in np.unique(best[best >= 0]).tolist():
        group = np.flatnonzero(best == lag)
        for rows, design, y in _designs(windows[group], lag, constant_first=False):
            fit = _fit(design, y)
            statistic[group[rows]] = np.where(fit.full, fit.t_of[:, 0], np.nan)
    return statistic, best


def _designs(windows: Floats, lags: int, constant_first: bool) -> list[tuple[Ints, Floats, Floats]]:
    """Return (rows, design, y) of the windows with a column of ones and of those that need none.

    The constant is left out where some column is constant and not zero, as `add_trend` does.
    """
    differences = np.diff(windows, axis=1)
    count = differences.shape[1] - lags
    columns = [windows[:, lags:-1]] + [differences[:, lags - k : lags - k + count] for k in range(1, lags + 1)]
    design, y = np.stack(columns, axis=2), differences[:, lags:]
    constant = ((np.ptp(design, axis=1) == 0) & (design[:, 0] != 0)).any(axis=1)
    ones = np.ones((len(windows), count, 1))
    with_ones = np.concatenate([ones, design] if constant_first else [design, ones], axis=2)
    groups = [(np.flatnonzero(~constant), with_ones), (np.flatnonzero(constant), design)]
    return [(rows, matrix[rows], y[rows]) for rows, matrix in groups if rows.size]


def _fit(design: Floats, y: Floats) -> _Fit:
    """Solve ``design[m, r, p]`` against ``y[m, r]`` by the pseudo-inverse."""
    u, singular, vt = np.linalg.svd(design, full_matrices=False)
    largest = singular[:, :1]
    kept = singular > 1e-15 * largest
    inverse = np.where(kept, 1.0 / np.where(kept, singular, 1.0), 0.0)
    pseudo = vt.transpose(0, 2, 1) @ (inverse[:, :, None] * u.transpose(0, 2, 1))
    beta = pseudo @ y[:, :, None]
    residuals = y - (design @ beta)[:, :, 0]
    residual = (residuals**2).sum(axis=1)
    rank = (singular > largest * singular.shape[1] * _EPS).sum(axis=1)
    variance = (pseudo**2).sum(axis=2) * (residual / (y.shape[1] - rank))[:, None]
    return _Fit(residual, rank, rank == design.shape[2], beta[:, :, 0] / np.sqrt(variance))


def _aic(fit: _Fit, rows: int) -> Floats:
    """Return Akaike's criterion of a Gaussian regression on `rows` rows; NaN for a rank-deficient one."""
    half = rows / 2.0
    log_likelihood = -np.log(fit.residual) * half - (1.0 + np.log(np.pi / half)) * half
    return np.where(fit.full, -2.0 * log_likelihood + 2.0 * fit.rank, np.nan)
