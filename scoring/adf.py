"""The augmented Dickey-Fuller test of whole batches of windows, as `statsmodels.tsa.stattools.adfuller` does it.

The test regresses the differences of a window on a constant, the level before and some lagged differences; the t
statistic of the level tells whether the window returns to a mean (very negative) or wanders. The number of lags is the
one with the lowest AIC over a common sample; the statistic is then refitted on all the rows that this lag leaves.

Two solvers share the work. `scoring.adf_nested` answers ordinary windows, all at once, and says of which answers it is
sure; `scoring.adf_reference` repeats the reference's own arithmetic for the others, on w and on 3 w + 7. The statistic
does not depend on units, so a window on which that arithmetic disagrees with itself has no statistic: a singular
regression, or a fit without residuals.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring import adf_nested, adf_reference
from scoring.arrays import Bools, Floats, Ints
from scoring.mackinnon import critical_values, p_value

__all__ = ["MIN_SAMPLES", "AdfBatch", "Reason", "adf_batch"]

MIN_SAMPLES = 4
"""A constant, a level and one row to spare; with fewer samples adfuller raises."""

Reasons: TypeAlias = NDArray[np.str_]
_REASON = "U10"

# Their squares would leave the range of floats.
_LARGEST, _SMALLEST_SPREAD = 1e100, 1e-100


class Reason(StrEnum):
    """Why a window has the score that it has."""

    OK = "ok"
    TOO_SHORT = "too_short"
    """Fewer than `MIN_SAMPLES` samples returned."""
    CONSTANT = "constant"
    """All samples are equal."""
    DEGENERATE = "degenerate"
    """The regression is singular or fits perfectly: its statistic would be rounding noise."""


@dataclass(frozen=True)
class AdfBatch:
    """The tests of n windows. Where the reason is not OK: statistic and p-value NaN, lag -1, score 0."""

    statistic: Floats
    """``[n]``: the t statistic."""
    pvalue: Floats
    """``[n]``: MacKinnon's approximate p-value."""
    used_lag: Ints
    """``[n]``: the number of lagged differences that AIC chose."""
    critical_values: Floats
    """``[n, 3]``: at the 1 %, 5 % and 10 % level, for the sample that the regression used."""
    score: Floats
    """``[n]``: the seed's score: 10 x (critical value - statistic) for the strictest level passed, else 0."""
    reason: Reasons
    """``[n]``: values of `Reason`."""


def adf_batch(windows: Floats) -> AdfBatch:
    """Test every row of ``[n, w]``.

    NaN and infinite entries (nothing measured, a lost ping) are gaps: the row is tested without them.
    """
    values = np.asarray(windows, dtype=np.float64)
    finite = np.isfinite(values)
    counts = finite.sum(axis=1)
    statistic = np.full(len(values), np.nan)
    used_lag = np.full(len(values), -1, dtype=np.int64)
    reason = np.full(len(values), Reason.TOO_SHORT, dtype=_REASON)
    rows = np.flatnonzero(counts >= MIN_SAMPLES)
    if rows.size:
        compact = _at_the_end(values[rows], finite[rows], counts[rows])
        statistic[rows], used_lag[rows], reason[rows] = _solve(compact, counts[rows])
    ok = reason == Reason.OK
    critical = np.full((len(values), 3), np.nan)
    critical[ok] = critical_values(counts[ok] - 1 - used_lag[ok])
    pvalue = p_value(statistic)
    return AdfBatch(statistic, pvalue, used_lag, critical, _score(statistic, pvalue, critical), reason)


def _at_the_end(values: Floats, finite: Bools, counts: Ints) -> Floats:
    """Return ``[m, most]``: each row's samples without the gaps, and before them its first one over and over."""
    width = int(counts.max())
    own = np.arange(width) >= width - counts[:, None]
    compact = np.empty((len(values), width))
    compact[own] = values[finite]
    first = compact[np.arange(len(values)), width - counts]
    return np.where(own, compact, first[:, None])


def _solve(windows: Floats, counts: Ints) -> tuple[Floats, Ints, Reasons]:
    """Return statistic, lag and reason of windows ``[m, w]`` that end their rows as `_at_the_end` says."""
    reason = np.full(len(windows), Reason.OK, dtype=_REASON)
    statistic = np.full(len(windows), np.nan)
    used_lag = np.full(len(windows), -1, dtype=np.int64)
    high, low = windows.max(axis=1), windows.min(axis=1)
    reason[(np.maximum(high, -low) > _LARGEST) | (high / 2 - low / 2 < _SMALLEST_SPREAD)] = Reason.DEGENERATE
    reason[high == low] = Reason.CONSTANT
    todo = np.flatnonzero(reason == Reason.OK)
    statistic[todo], used_lag[todo], sure = adf_nested.solve(windows[todo], counts[todo])
    doubtful = todo[~sure]
    for count in np.unique(counts[doubtful]).tolist():
        rows = doubtful[counts[doubtful] == count]
        statistic[rows], used_lag[rows], agrees = adf_reference.solve(windows[rows, -count:])
        reason[rows[~agrees]] = Reason.DEGENERATE
    return statistic, used_lag, reason


def _score(statistic: Floats, pvalue: Floats, critical: Floats) -> Floats:
    """Return the seed's score: 10 (c - t) with c the critical value of the strictest level that p passes, else 0."""
    passed: list[Bools] = [pvalue <= level for level in (0.01, 0.05, 0.1)]
    margins = [10.0 * (critical[:, k] - statistic) for k in range(3)]
    return np.select(passed, margins, default=0.0)
