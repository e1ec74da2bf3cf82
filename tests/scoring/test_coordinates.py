"""Coordinates against the truth, against the textbook's algorithm, and their gradient against differences."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import huber

from scoring import coordinates
from scoring.coordinates import Pairs, advance, begin, place
from tests.scoring.embedded import internet_case, median_error, plane_case, row_by_column, vivaldi


def fit(given, steps=300, seed=0):
    scale_ms = float(np.median(given.pairs.rtt_ms))
    return advance(begin(given.nodes, scale_ms, np.random.default_rng(seed)), given.pairs, steps)


def error_of(state, given):
    return median_error(state.coordinates.rtt_ms(given.a, given.b), given.true_ms)


@pytest.fixture(scope="module")
def world():
    given = internet_case()
    return given, fit(given)


def test_what_is_a_plane_with_heights_is_found_nearly_exactly():
    given = plane_case()
    assert error_of(fit(given, 800), given) < 0.06


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_on_an_internet_sixteen_neighbours_are_enough_for_a_fifth(seed):
    given = internet_case(seed=seed)
    assert error_of(fit(given), given) <= 0.20


def test_simple_rules_do_clearly_worse(world):
    given, state = world
    error = error_of(state, given)
    assert median_error(np.full(len(given.a), np.median(given.pairs.rtt_ms)), given.true_ms) > 2 * error
    assert median_error(row_by_column(given), given.true_ms) > 2 * error


def test_it_is_no_worse_than_one_sample_at_a_time():
    given = internet_case(nodes=120)
    assert error_of(fit(given), given) <= median_error(vivaldi(given), given.true_ms) + 0.02


def test_the_gradient_is_that_of_the_stated_loss():
    rng = np.random.default_rng(2)
    a, b = np.array([0, 0, 1, 2, 3]), np.array([1, 2, 2, 3, 4])
    wanted = rng.normal(-0.3, 0.5, 5)
    parameters = rng.normal(0, 1, (6, coordinates.DIMENSIONS + 1))
    usual = np.median(parameters[:, -1])

    def loss(flat):
        x = flat.reshape(parameters.shape)
        height = np.exp(x[:, -1])
        apart = np.linalg.norm(x[a, :-1] - x[b, :-1], axis=1) + height[a] + height[b]
        pulls = coordinates._GRAVITY * (x[:, :-1] ** 2).sum()
        pulls += coordinates._USUAL_HEIGHT * ((x[:, -1] - usual) ** 2).sum()
        return huber(coordinates._ROBUST, np.log(apart) - wanted).sum() + pulls

    single = parameters.astype(np.float32)
    ours = coordinates._gradient(single, a, b, wanted.astype(np.float32)) + coordinates._pull(single)
    assert ours.ravel() == pytest.approx(approx_fprime(parameters.ravel(), loss, 1e-6), abs=2e-4)


def test_outliers_hardly_move_the_others(world):
    given, state = world
    rng = np.random.default_rng(5)
    spoilt = given.pairs.rtt_ms * np.where(rng.random(len(given.pairs.a)) < 0.05, 20.0, 1.0)
    broken = type(given)(
        given.nodes, Pairs(given.pairs.a, given.pairs.b, spoilt, spoilt), given.a, given.b, given.true_ms
    )
    assert error_of(fit(broken), given) < error_of(state, given) + 0.05


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_the_unit_does_not_matter(factor, world):
    given, state = world
    pairs = replace(given.pairs, rtt_ms=given.pairs.rtt_ms * factor)
    scaled = fit(type(given)(given.nodes, pairs, given.a, given.b, given.true_ms * factor))
    ours = scaled.coordinates.rtt_ms(given.a, given.b) / factor
    if factor > 1:
        assert ours == pytest.approx(state.coordinates.rtt_ms(given.a, given.b), rel=0.05)
    assert median_error(ours, given.true_ms) < 0.2


def test_the_same_fit_in_parts_is_the_same_fit(world):
    given, state = world
    parts = fit(given, 100)
    for _ in range(4):
        parts = advance(parts, given.pairs, 50)
    assert parts.steps == state.steps
    assert np.array_equal(parts.parameters, state.parameters)


def test_more_pairs_than_fit_into_a_step_are_drawn_from():
    given = internet_case(nodes=1400, neighbours=64)
    assert len(given.pairs.a) > coordinates.BATCH
    assert error_of(fit(given, 150), given) < 0.16


def test_a_newcomer_is_placed_by_a_few_samples_and_moves_nobody(world):
    given, state = world
    new = np.zeros(given.nodes, dtype=bool)
    new[[3, 40, 77, 200, 311]] = True
    settled = place(state, given.pairs, new, np.random.default_rng(1))
    assert np.array_equal(settled.parameters[~new], state.parameters[~new])
    assert settled.steps == state.steps
    theirs = new[given.a] | new[given.b]
    estimate = settled.coordinates.rtt_ms(given.a[theirs], given.b[theirs])
    assert median_error(estimate, given.true_ms[theirs]) < 0.25


def test_newcomers_that_met_only_each_other_get_some_place(world):
    _, state = world
    new = np.zeros(len(state.parameters), dtype=bool)
    new[:2] = True
    pairs = Pairs(np.array([0]), np.array([1]), np.array([30.0]), np.array([30.0]))
    placed = place(state, pairs, new, np.random.default_rng(1)).coordinates
    assert float(placed.rtt_ms(np.array([0]), np.array([1]))[0]) == pytest.approx(30.0, rel=0.25)


def test_nothing_measured_leaves_everything_where_it_is():
    state = begin(5, 10.0, np.random.default_rng(0))
    none = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    assert np.array_equal(advance(state, none, 10).parameters, state.parameters)
