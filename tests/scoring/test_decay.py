"""Decayed means against a slow loop."""

import numpy as np

from scoring.decay import decayed_mean, slot_weights


def test_newest_slot_weighs_one_and_a_half_life_before_it_one_half():
    weights = slot_weights(21, 10.0)
    assert (weights[-1], weights[10], weights[0]) == (1.0, 0.5, 0.25)


def test_decayed_mean_equals_a_slow_loop():
    rng = np.random.default_rng(0)
    values, counts = rng.normal(size=(20, 15)), rng.random((20, 15)) < 0.6
    result = decayed_mean(values, counts, 7.0)
    for k in range(20):
        weights = np.array([0.5 ** ((14 - s) / 7.0) for s in range(15) if counts[k, s]])
        assert np.isclose(result.value[k], weights @ values[k, counts[k]] / weights.sum())
        assert np.isclose(result.weight[k], weights.sum())
        assert np.isclose(result.samples[k], weights.sum() ** 2 / (weights**2).sum())


def test_values_that_do_not_count_may_be_anything():
    values = np.array([[np.nan, np.inf, 3.0], [np.nan, np.inf, np.nan]])
    result = decayed_mean(values, np.array([[False, False, True], [False] * 3]), 5.0)
    assert result.value[0] == 3.0
    assert np.isnan(result.value[1])
    assert result.samples.tolist() == [1.0, 0.0]
