"""The reference's own arithmetic: a statistic that depends on units is none."""

import numpy as np
import pytest
from statsmodels.tsa.stattools import adfuller

from scoring import adf_reference


def test_no_windows_give_no_answers():
    statistic, lag, agrees = adf_reference.solve(np.empty((0, 30)))
    assert (statistic.size, lag.size, agrees.size) == (0, 0, 0)


def test_rank_deficient_search_has_no_statistic():
    # Only three changes in 30 samples: the nine lag columns cannot be independent.
    window = np.repeat([10.0, 30.0, 10.0, 20.0], [3, 2, 2, 23])
    statistic, lag, agrees = adf_reference.solve(window[None])
    assert not agrees[0]
    assert np.isnan(statistic[0])
    assert lag[0] == -1


def test_perfect_fit_has_no_statistic_even_at_full_rank():
    # x_t = 1.3 x_{t-1} - .6 x_{t-2} exactly: no residual is left to measure the statistic by.
    window = [1.0, 2.0]
    for _ in range(6):
        window.append(1.3 * window[-1] - 0.6 * window[-2])
    assert not adf_reference.solve(np.array([window]))[2][0]


def test_level_that_is_constant_over_the_common_sample_takes_the_constants_place():
    # adfuller adds no column of ones beside a constant level.
    head = np.random.default_rng(8).lognormal(0, 1, 9)
    window = np.concatenate([head, np.full(20, head[-1] + 1.0), [7.0]])
    expected = adfuller(window, result_object=False)
    statistic, lag, agrees = adf_reference.solve(window[None])
    assert agrees[0]
    assert lag[0] == expected[2]
    assert statistic[0] == pytest.approx(expected[0], rel=1e-9)
