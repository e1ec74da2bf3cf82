"""Row-wise quantiles against numpy and a slow loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.quantile import finite_quantile, weighted_quantiles

samples = st.one_of(st.floats(0, 1e4), st.just(np.nan), st.just(np.inf))
windows_strategy = arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 12)), elements=samples)


@given(windows=windows_strategy, level=st.floats(0, 1))
def test_finite_quantile_equals_numpy_on_the_finite_samples(windows, level):
    expected = [np.quantile(row[np.isfinite(row)], level) if np.isfinite(row).any() else np.nan for row in windows]
    np.testing.assert_allclose(finite_quantile(windows, level), expected, rtol=1e-9, atol=1e-9)


def slow_weighted_quantile(row, weights, level):
    pairs = sorted((value, weight) for value, weight in zip(row, weights, strict=True) if not np.isnan(value))
    if not pairs:
        return np.nan
    total, reached = sum(weight for _, weight in pairs), 0.0
    for value, weight in pairs:
        reached += weight
        if reached / total >= level - 1e-12:
            return value
    return pairs[-1][0]


@given(windows=windows_strategy, half_life=st.floats(1, 50))
def test_weighted_quantiles_equal_a_slow_loop(windows, half_life):
    weights, levels = 0.5 ** (np.arange(windows.shape[1])[::-1] / half_life), np.linspace(0, 1, 7)
    expected = [[slow_weighted_quantile(row, weights, level) for level in levels] for row in windows]
    assert np.array_equal(weighted_quantiles(windows, weights, levels), np.array(expected), equal_nan=True)


def test_level_that_rounds_up_picks_the_sample_that_reaches_it():
    levels = np.linspace(0, 1, 11)
    assert levels[3] > 3 / 10  # as floats
    assert weighted_quantiles(np.arange(1.0, 11.0)[None], np.ones(10), levels)[0, 3] == 3.0


@pytest.mark.parametrize("width", [0, 3])
def test_rows_without_a_sample_have_no_quantile(width):
    windows = np.full((2, width), np.nan)
    assert np.isnan(finite_quantile(windows, 0.5)).all()
    assert np.isnan(weighted_quantiles(windows, np.ones(width), np.array([0.1, 0.9]))).all()
