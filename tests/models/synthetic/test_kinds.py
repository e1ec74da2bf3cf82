"""Made-up series: reproducible, positive, and each of its kind."""

import numpy as np
import pytest

from models.data import DataError
from models.synthetic import KINDS, generate, parse_plan


def correlation(series, lag):
    centred = series - series.mean(axis=1, keepdims=True)
    return (centred[:, lag:] * centred[:, :-lag]).mean(axis=1) / centred.var(axis=1)


@pytest.mark.parametrize("kind", KINDS)
def test_series_are_positive_and_the_same_for_a_seed(kind):
    series = generate(kind, 20, 50, seed=3)
    assert series.shape == (20, 50)
    assert np.isfinite(series).all()
    assert (series > 0).all()
    np.testing.assert_array_equal(series, generate(kind, 20, 50, seed=3))
    assert (series != generate(kind, 20, 50, seed=4)).any()


def test_white_noise_has_no_memory_and_autoregression_has_one():
    assert abs(np.median(correlation(generate("white_noise", 200, 400, 1), 1))) < 0.03
    assert np.median(correlation(generate("ar", 200, 400, 1), 1)) > 0.4


def test_levels_shift_and_stay():
    series = generate("level_shift", 200, 400, 1)
    halves = np.abs(np.log(np.median(series[:, :200], axis=1) / np.median(series[:, 200:], axis=1)))
    noise = generate("white_noise", 200, 400, 1)
    still = np.abs(np.log(np.median(noise[:, :200], axis=1) / np.median(noise[:, 200:], axis=1)))
    assert np.median(halves) > 5 * np.median(still)


def test_periodic_series_have_one_dominant_frequency():
    series = generate("periodic", 100, 600, 1)
    power = np.abs(np.fft.rfft(series - series.mean(axis=1, keepdims=True), axis=1)) ** 2
    assert np.median(power.max(axis=1) / power.sum(axis=1)) > 0.3


def test_heavy_tails_reach_far_above_the_median_and_never_as_far_below():
    series = generate("heavy_tailed", 200, 400, 1)
    middle = np.median(series, axis=1)
    above, below = series.max(axis=1) / middle - 1, 1 - series.min(axis=1) / middle
    assert np.median(above) > 1
    assert (below < 1).all()
    assert np.median(above / below) > 10


def test_levels_span_lan_and_wan():
    middle = np.median(generate("white_noise", 500, 30, 1), axis=1)
    assert middle.min() < 0.3
    assert middle.max() > 200


def test_unknown_kinds_and_empty_orders_are_refused():
    with pytest.raises(ValueError, match="no kind of series 'ramp'; there are ar, "):
        generate("ramp", 1, 1, 0)
    with pytest.raises(ValueError, match="at least one"):
        generate("ar", 0, 10, 0)


def test_a_name_makes_a_plan():
    plan = parse_plan("synthetic:level-shift?seed=5&series=3&length=40")
    np.testing.assert_array_equal(plan.generate(), generate("level_shift", 3, 40, 5))
    assert parse_plan("synthetic:lan?seed=5") is None
    assert parse_plan("ar.csv") is None


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("synthetic:ar?sed=5", "no option 'sed'; there are seed, series, length"),
        ("synthetic:ar?seed=x", "expected a whole number"),
        ("synthetic:ar?length=0", "expected 1 to"),
    ],
)
def test_a_wrong_name_says_what_is_wrong(name, what):
    with pytest.raises(DataError, match=what):
        parse_plan(name)
