"""The elimination answers ordinary windows alone, and knows when it must not."""

import numpy as np
import pytest

from scoring import adf_nested, adf_reference


def test_both_solvers_agree_on_ordinary_windows():
    windows = np.random.default_rng(0).lognormal(0, 0.4, (300, 30))
    statistic, lag, sure = adf_nested.solve(windows)
    other, other_lag, agrees = adf_reference.solve(windows)
    assert sure.all()
    assert agrees.all()
    assert np.array_equal(lag, other_lag)
    np.testing.assert_allclose(statistic, other, rtol=1e-10)


@pytest.mark.parametrize("samples", [4, 5, 6, 7, 10, 30, 64, 300])
def test_chosen_lag_never_exceeds_the_maximum(samples):
    windows = np.random.default_rng(samples).standard_normal((200, samples)) + 3.0
    lag = adf_nested.solve(windows)[1]
    assert lag.min() >= 0
    assert lag.max() <= adf_nested.max_lag(samples)


def test_maximum_lag_is_schwerts_rule_limited_by_the_rows_that_remain():
    # ceil(12 (n / 100)^(1/4)), at most n // 2 - 2: the rule as adfuller documents it.
    assert [adf_nested.max_lag(n) for n in (4, 6, 10, 30, 64, 100, 300)] == [0, 1, 3, 9, 11, 12, 16]


@pytest.mark.parametrize(
    "window",
    [
        np.resize([1.0, 2.0, 5.0], 30),
        np.repeat([1.0, 2.0], [28, 2]),
        np.arange(30.0),
        np.arange(5.0) * 0.1 + 1.0,
        1e9 + np.random.default_rng(0).standard_normal(30),
    ],
    ids=["periodic", "late step", "trend", "short trend", "far from zero"],
)
def test_singular_window_is_never_called_sure(window):
    assert not adf_nested.solve(window[None])[2][0]


def test_answers_do_not_depend_on_how_the_batch_is_cut():
    windows = np.random.default_rng(4).lognormal(0, 0.4, (1300, 20))
    whole = adf_nested.solve(windows)[0]
    alone = np.concatenate([adf_nested.solve(windows[k : k + 1])[0] for k in range(500, 530)])
    np.testing.assert_allclose(whole[500:530], alone, rtol=1e-10)


def test_windows_of_many_lengths_are_answered_as_each_length_alone():
    rng = np.random.default_rng(6)
    windows = rng.lognormal(0, 0.4, (900, 40)) + 2.0
    counts = rng.integers(4, 41, 900)
    statistic, lag, sure = adf_nested.solve(windows, counts)
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        alone, own_lag, own_sure = adf_nested.solve(windows[rows, -count:])
        assert np.array_equal(lag[rows], own_lag)
        assert np.array_equal(sure[rows], own_sure)
        np.testing.assert_allclose(statistic[rows][own_sure], alone[own_sure], rtol=1e-8, atol=1e-8)
