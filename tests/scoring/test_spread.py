"""What the spread promises is kept on pairs that nobody measured."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from scipy import integrate, stats

from scoring.coordinates import Coordinates, Pairs, advance, begin
from scoring.spread import LEAST_HELD, above, calibrated, expected_ms, within
from tests.scoring.embedded import internet_case

RTT = st.floats(0.01, 1e4)
SIGMA = st.floats(0.01, 1.2)


def fitted(given, seed=0):
    held = np.random.default_rng(seed).random(len(given.pairs.a)) < 1 / 8
    used, kept_out = given.pairs.take(~held), given.pairs.take(held)
    state = begin(given.nodes, float(np.median(used.rtt_ms)), np.random.default_rng(seed))
    return advance(state, used, 300).coordinates, used, kept_out


@pytest.mark.parametrize(("nodes", "neighbours", "seed"), [(400, 16, 0), (400, 16, 1), (800, 24, 2)])
def test_the_stated_intervals_hold_about_what_they_say(nodes, neighbours, seed):
    given = internet_case(nodes, neighbours, seed)
    found, used, kept_out = fitted(given)
    estimate = found.rtt_ms(given.a, given.b)
    sigma = calibrated(found, used, kept_out).sigma_log(given.a, given.b, estimate)
    error = np.abs(np.log(given.true_ms / estimate))
    for level, tolerance in ((0.5, 0.07), (0.8, 0.06), (0.9, 0.05)):
        assert (error <= within(level) * sigma).mean() == pytest.approx(level, abs=tolerance), level


def test_readings_that_jitter_widen_the_spread_so_that_it_holds_them():
    given = internet_case()
    rng = np.random.default_rng(1)
    jitter = np.exp(rng.laplace(0, 0.4, len(given.pairs.a)))
    given.pairs = replace(given.pairs, reading_ms=given.pairs.reading_ms * jitter)
    found, used, kept_out = fitted(given)
    estimate = found.rtt_ms(given.a, given.b)
    sigma = calibrated(found, used, kept_out).sigma_log(given.a, given.b, estimate)
    reading = given.true_ms * np.exp(rng.laplace(0, 0.4, len(given.a)))
    assert (np.abs(np.log(reading / estimate)) <= within(0.8) * sigma).mean() == pytest.approx(0.8, abs=0.06)


def test_narrow_estimates_are_better_than_wide_ones():
    given = internet_case()
    found, used, kept_out = fitted(given)
    estimate = found.rtt_ms(given.a, given.b)
    sigma = calibrated(found, used, kept_out).sigma_log(given.a, given.b, estimate)
    error = np.abs(np.log(given.true_ms / estimate))
    narrow = sigma < np.quantile(sigma, 0.25)
    wide = sigma > np.quantile(sigma, 0.75)
    assert 2 * np.quantile(error[narrow], 0.8) < np.quantile(error[wide], 0.8)


def test_a_node_whose_pairs_do_not_fit_has_a_wider_spread():
    given = internet_case()
    noise = np.where((given.pairs.a == 7) | (given.pairs.b == 7), 3.0, 0.0)
    wild = given.pairs.rtt_ms * np.exp(noise * np.random.default_rng(0).normal(size=len(noise)))
    given.pairs = Pairs(given.pairs.a, given.pairs.b, wild, wild)
    spread = calibrated(*fitted(given))
    assert spread.factor[7] > 2 * np.median(spread.factor)


def test_without_enough_held_out_pairs_nothing_is_said():
    given = internet_case()
    found, used, kept_out = fitted(given)
    some = np.arange(LEAST_HELD)
    assert calibrated(found, used, kept_out.take(some[:-1])) is None
    assert calibrated(found, used, kept_out.take(some)) is not None


def test_a_perfect_fit_has_a_small_but_no_zero_spread():
    exact = Coordinates(np.zeros((40, 4), np.float32), np.ones(40, np.float32))
    pairs = Pairs(np.arange(39), np.arange(1, 40), np.full(39, 2.0), np.full(39, 2.0))
    spread = calibrated(exact, pairs, pairs)
    assert 0 < spread.sigma_log(np.array([0]), np.array([5]), np.array([2.0]))[0] < 0.01


@for_all(RTT, SIGMA, st.floats(0.01, 1e4))
def test_the_share_above_a_limit_is_that_of_the_laplace_distribution(rtt_ms, sigma, limit_ms):
    law = stats.laplace(np.log(rtt_ms), sigma / np.sqrt(2))
    ours = above(np.array([rtt_ms, np.nan]), np.array([sigma, np.nan]), limit_ms)
    assert ours[0] == pytest.approx(law.sf(np.log(limit_ms)), abs=1e-9)
    assert np.isnan(ours[1])


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1.0])
def test_the_expected_time_is_the_mean_of_the_distribution(sigma):
    law = stats.laplace(np.log(20.0), sigma / np.sqrt(2))
    mean, _ = integrate.quad(lambda x: np.exp(x) * law.pdf(x), -20, 60, points=[np.log(20.0)], limit=500)
    assert expected_ms(np.array([20.0]), np.array([sigma]))[0] == pytest.approx(mean, rel=1e-3)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_an_interval_is_as_wide_as_its_level(level):
    law = stats.laplace(0, 1 / np.sqrt(2))
    assert law.cdf(within(level)) - law.cdf(-within(level)) == pytest.approx(level)
