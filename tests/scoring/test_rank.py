"""From costs to 0..10."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.rank import MAX_SCORE, NEUTRAL, rank

sizes = st.integers(1, 12)
wild = st.one_of(st.floats(-1e3, 1e3), st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e308, -1e308, 5e-324]))
# Whole hundredths: differences that survive a shift.
tame = st.integers(-1000, 1000).map(lambda k: k / 100)


@st.composite
def costs_and_noise(draw, elements):
    n = draw(sizes)
    cost = draw(arrays(np.float64, n, elements=elements))
    noise = draw(arrays(np.float64, n, elements=st.sampled_from([0.0, 0.01, 0.5, 3.0])))
    return cost, noise


@given(costs_and_noise(wild))
def test_scores_stay_in_range_whatever_the_costs(drawn):
    scores = rank(*drawn)
    assert scores.dtype == np.int64
    assert ((scores >= 0) & (scores <= MAX_SCORE)).all()


@given(costs_and_noise(st.one_of(tame, st.just(np.inf))))
def test_lower_costs_never_score_less_and_the_best_scores_most(drawn):
    scores, cost = rank(*drawn), drawn[0]
    assert (np.diff(scores[np.argsort(cost, kind="stable")]) <= 0).all()
    assert scores[cost.argmin()] == scores.max()


@given(costs_and_noise(st.one_of(tame, st.sampled_from([np.inf, np.nan]))), st.randoms(use_true_random=False))
def test_scores_follow_their_candidates_through_any_order(drawn, random):
    cost, _ = drawn
    order = np.array(random.sample(range(cost.size), cost.size))
    assert np.array_equal(rank(cost[order]), rank(cost)[order])


@given(costs_and_noise(tame), st.integers(-1000, 1000))
def test_scores_do_not_depend_on_where_the_scale_begins(drawn, shift):
    cost, noise = drawn
    assert np.array_equal(rank(cost + shift, noise), rank(cost, noise))


@given(costs_and_noise(tame))
def test_a_clear_spread_is_floored_min_max(drawn):
    cost, _ = drawn
    assume(np.ptp(cost) > 0)
    hundredths = np.round(cost * 100).astype(int)
    expected = 10 * (hundredths.max() - hundredths) // np.ptp(hundredths)
    assert np.array_equal(rank(cost), expected)


def test_only_the_best_reaches_the_maximum():
    assert rank(np.array([0.0, 0.001, 0.5, 1.0])).tolist() == [10, 9, 5, 0]


@pytest.mark.parametrize("cost", [[0.2], [0.3] * 4, [np.inf] * 3, [np.nan] * 2, [np.nan]])
def test_candidates_that_cannot_be_told_apart_are_neutral(cost):
    assert rank(np.array(cost)).tolist() == [NEUTRAL] * len(cost)


def test_costs_that_differ_by_rounding_are_equal():
    assert rank(np.array([0.1 + 0.2, 0.3, 0.6 / 2])).tolist() == [NEUTRAL] * 3
    assert rank(np.array([400.0, np.nextafter(400.0, 0.0)])).tolist() == [NEUTRAL] * 2


def test_tenth_of_the_spread_is_a_tenth_whatever_it_rounds_to():
    assert rank(np.array([0.0, 0.01, 0.05])).tolist() == [10, 8, 0]


def test_spread_within_the_noise_scores_alike():
    cost = np.array([0.10, 0.11, 0.12])
    assert rank(cost, np.full(3, 1.0)).tolist() == [NEUTRAL] * 3
    assert rank(cost, np.full(3, np.inf)).tolist() == [NEUTRAL] * 3


def test_scores_are_squeezed_in_proportion_to_the_noise():
    # spread 1, doubt 2 sqrt(1 + 0) = 2: half of the scale.
    assert rank(np.array([0.0, 0.5, 1.0]), np.array([1.0, 9.0, 0.0])).tolist() == [5, 2, 0]


def test_lost_candidate_is_worst_and_does_not_stretch_the_scale():
    assert rank(np.array([1.0, 2.0, np.inf, 3.0])).tolist() == [10, 5, 0, 0]
    assert rank(np.array([1.0, np.inf])).tolist() == [NEUTRAL, 0]


def test_unknown_cost_counts_as_the_median_of_the_others():
    assert rank(np.array([0.0, np.nan, 0.4, 1.0])).tolist() == [10, 6, 6, 0]


def test_unknown_noise_is_no_noise():
    assert rank(np.array([0.0, 1.0]), np.array([np.nan, np.nan])).tolist() == [10, 0]


def test_no_candidates_have_no_scores():
    assert rank(np.empty(0), np.empty(0)).tolist() == []
