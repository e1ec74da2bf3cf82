"""The ADF regressions of a batch by elimination: one Gram matrix answers every lag.

With the columns ordered level, lag 1, lag 2, ..., y, eliminating the columns of a Gram matrix one after the other
leaves, after k + 1 steps, the residual sum of squares of the model with k lags: the models are nested. So one symmetric
elimination, vectorised over the windows, gives the AIC of all lags.

Normal equations square the condition number, so an answer is *sure* only where that does no harm; the caller asks
`scoring.adf_reference` about the rest.
"""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from scoring.arrays import Bools, Floats, Ints

__all__ = ["max_lag", "solve"]

# Windows are eliminated this many at a time: few enough for the cache, enough for what each step costs by itself.
_CHUNK = 640

# What a column keeps of its squared length once the columns before it are taken out, times what the fit leaves of y.
# The statistic's relative error is about 20 eps over this product.
_MIN_MARGIN = 1e-5

# The reference solves on raw columns; with a condition number below this its own error stays below 1e-9.
_MAX_CONDITION = 1e6

# The squared length of y in standard deviations, relative to what rounding a level far from zero leaves of it.
_MIN_MOVEMENT = 1e-10

# AIC values closer than this are told apart by rounding only.
_MIN_AIC_GAP = 1e-7


def max_lag(samples: int) -> int:
    """Return the largest number of lags that adfuller considers (Schwert 1989, limited by the rows that remain)."""
    schwert = int(np.ceil(12.0 * np.power(samples / 100.0, 0.25)))
    return min(samples // 2 - 2, schwert)


def solve(windows: Floats, counts: Ints | None = None) -> tuple[Floats, Ints, Bools]:
    """Return statistic, lag and whether both are beyond doubt, for m windows of finite samples, not constant.

    Args:
        windows: ``[m, w]``, each window at the end of its row; what is before it may be any finite numbers.
        counts: ``[m]``: the lengths of the windows, 4 to w; all of them w where None.
    """
    counts = np.full(len(windows), windows.shape[1]) if counts is None else counts
    level = np.zeros_like(windows)
    statistic, lag = np.full(len(windows), np.nan), np.zeros(len(windows), dtype=np.int64)
    sure = np.zeros(len(windows), dtype=np.bool_)
    most = np.array([max_lag(count) if count else 0 for count in range(int(counts.max(initial=0)) + 1)])[counts]
    for top, rows, width in _alike(most, counts):
        part, raw = _standardised(windows[rows, -width:], counts[rows])
        level[rows, -width:] = part
        lag[rows], sure[rows] = _choose_lag(part, raw, counts[rows], top)
    for k, rows, width in _alike(lag, counts):
        statistic[rows], fine = _refit(level[rows, -width:], counts[rows], k)
        sure[rows] &= fine
    return statistic, lag, sure


def _alike(kind: Ints, counts: Ints) -> Iterator[tuple[int, Ints, int]]:
    """Return every kind, its rows piece by piece, windows of one length side by side, and each piece's greatest."""
    for one in np.unique(kind).tolist():
        rows = np.flatnonzero(kind == one)
        rows = rows[np.argsort(counts[rows], kind="stable")]
        for start in range(0, rows.size, _CHUNK):
            piece = rows[start : start + _CHUNK]
            yield one, piece, int(counts[piece[-1]])


def _standardised(windows: Floats, counts: Ints) -> tuple[Floats, Floats]:
    """Return windows with mean 0 and variance 1, 0 before them, and (mean / deviation, deviation) as ``[2, m]``."""
    width = windows.shape[1]
    own = None if counts[0] == width else (np.arange(width) >= width - counts[:, None]).astype(np.float64)
    mean = np.einsum("mw->m", windows if own is None else windows * own) / counts
    centred = windows - mean[:, None]
    if own is not None:
        centred *= own
    deviation = np.sqrt(np.einsum("mw,mw->m", centred, centred) / counts)
    centred /= deviation[:, None]
    return centred, np.stack([mean / deviation, deviation])


def _choose_lag(level: Floats, raw: Floats, counts: Ints, top: int) -> tuple[Ints, Bools]:
    """Return the lag of the lowest AIC over the common sample, and whether it is beyond doubt."""
    gram, squares = _gram(level, counts, top, level_first=True)
    rows = counts - 1 - top
    tolerance = np.ones(level.shape[0])
    pivots = np.full(level.shape[0], np.inf)
    residual = np.empty((top + 1, level.shape[0]))
    for k in range(top + 1):
        pivots = np.minimum(pivots, gram[k, k])
        tolerance = np.minimum(tolerance, _eliminate(gram, k, squares[k]))
        residual[k] = gram[-1, -1]
    floor = np.finfo(np.float64).tiny
    aic = rows * np.log(np.maximum(residual, floor)) + 2.0 * np.arange(top + 1)[:, None]
    best = aic.argmin(axis=0)
    lowest = aic.min(axis=0)
    aic[best, np.arange(best.size)] = np.inf
    gap = aic.min(axis=0) - lowest
    fine = (tolerance * residual[-1] > _MIN_MARGIN * squares[-1]) & (gap > _MIN_AIC_GAP)
    return best, fine & _well_conditioned(raw, squares, pivots, rows)


def _refit(level: Floats, counts: Ints, lag: int) -> tuple[Floats, Bools]:
    """Return the level's t statistic with `lag` lags on all rows, and whether it is beyond doubt."""
    gram, squares = _gram(level, counts, lag, level_first=False)
    tolerance = np.ones(level.shape[0])
    for k in range(lag):
        tolerance = np.minimum(tolerance, _eliminate(gram, k, squares[k]))
    slope = gram[lag, -1].copy()
    tolerance = np.minimum(tolerance, gram[lag, lag] / np.maximum(squares[lag], np.finfo(np.float64).tiny))
    pivot = _safe(gram[lag, lag], squares[lag])
    residual = gram[-1, -1] - slope**2 / pivot
    fine = tolerance * residual > _MIN_MARGIN * squares[-1]
    freedom = counts - 1 - lag - (lag + 2)
    variance = np.where(fine, residual * pivot / freedom, 1.0)
    return slope / np.sqrt(variance), fine


def _gram(level: Floats, counts: Ints, lags: int, level_first: bool) -> tuple[Floats, Floats]:
    """Return the Gram matrices ``[q, q, m]`` of the centred columns, and their diagonals ``[q, m]``.

    The columns are the level and lags 1.. of the differences (the level first or after them), and y last. Centring
    takes the constant out of the regression. Rows of which a shorter window has none are 0: they add nothing.
    """
    differences = np.diff(level, axis=1)
    rows = differences.shape[1] - lags
    shifted = sliding_window_view(differences, rows, axis=1)
    columns = np.empty((level.shape[0], lags + 2, rows))
    place, first = (0, 1) if level_first else (lags, 0)
    columns[:, place] = level[:, lags:-1]
    columns[:, first : first + lags] = shifted[:, :lags][:, ::-1]
    columns[:, -1] = shifted[:, lags]
    own = None if counts[0] == level.shape[1] else _own_rows(rows, level.shape[1] - counts)
    if own is not None:
        columns *= own
    columns -= (np.einsum("mqr->mq", columns) / (counts - 1 - lags)[:, None])[:, :, None]
    if own is not None:
        columns *= own
    gram = np.ascontiguousarray((columns @ columns.transpose(0, 2, 1)).transpose(1, 2, 0))
    return gram, np.einsum("kkm->km", gram).copy()


def _own_rows(rows: int, missing: Ints) -> Floats:
    """Return ``[m, 1, rows]``: 1 where a window that lacks so many samples has a row, 0 before."""
    return (np.arange(rows) >= missing[:, None]).astype(np.float64)[:, None]


def _eliminate(gram: Floats, k: int, square: Floats) -> Floats:
    """Take column k out of the columns after it, in place; return what was left of its squared length, 0..1."""
    kept: Floats = gram[k, k] / np.maximum(square, np.finfo(np.float64).tiny)
    factor = gram[k, k + 1 :] / _safe(gram[k, k], square)
    gram[k + 1 :, k + 1 :] -= gram[k, k + 1 :, None] * factor
    return kept


def _safe(pivot: Floats, square: Floats) -> Floats:
    """Return a pivot that can be divided by: those of dependent columns are doubtful anyway."""
    return np.maximum(pivot, np.maximum(square * 1e-12, np.finfo(np.float64).tiny))


def _well_conditioned(raw: Floats, squares: Floats, pivots: Floats, rows: Ints) -> Bools:
    """Return whether the reference's design (ones, level and differences in ms, not centred) is far from singular.

    The largest singular value is at most the root of the sum of squares; the smallest is about the smallest of what
    each column keeps once the others are taken out, the ones by a level far from zero. And y must be more than
    rounding.
    """
    offset, deviation = raw
    largest = rows * (1.0 + (offset * deviation) ** 2) + deviation**2 * squares[:-1].sum(axis=0)
    smallest = pivots * np.minimum(deviation**2, 1.0 / (1.0 + offset**2))
    moves = squares[-1] > _MIN_MOVEMENT * (1.0 + offset**2)
    fine: Bools = moves & (largest < _MAX_CONDITION**2 * smallest)
    return fine
