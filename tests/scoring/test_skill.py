"""Brier scores of violations, and who may answer."""

import numpy as np
import pytest

from scoring import skill

NAN, INF = np.nan, np.inf


def test_what_came_is_the_share_of_the_measured_slots_above_the_sla():
    windows = np.array([[9.0] * 34 + [1.0] * 15 + [9.0] * 10 + [INF] * 5, [NAN] * 54 + [9.0] * 2 + [1.0] * 8])
    np.testing.assert_allclose(skill.outcome(windows, 5.0), [0.5, 0.2])


def test_a_horizon_of_which_little_was_measured_says_nothing():
    windows = np.array([[1.0] * 34 + [NAN] * 21 + [1.0] * 9])
    assert np.isnan(skill.outcome(windows, 5.0)).all()
    assert np.isnan(skill.outcome(np.empty((1, 0)), 5.0)).all()


def test_a_horizon_that_ended_some_slots_ago_is_read_there():
    windows = np.array([[1.0] * 32 + [9.0] * 30 + [1.0] * 2])
    assert skill.outcome(windows, 5.0, late_slots=2).tolist() == [1.0]


def test_a_sample_that_equals_the_sla_keeps_it():
    assert skill.outcome(np.full((1, 30), 5.0), 5.0).tolist() == [0.0]


def test_skill_is_one_minus_the_ratio_of_the_brier_scores():
    assert skill.skill(np.array([0.1]), np.array([0.2]))[0] == pytest.approx(0.5, abs=1e-4)
    assert skill.skill(np.zeros(1), np.zeros(1))[0] == 0.0
    np.testing.assert_allclose(skill.brier(np.array([0.25, NAN]), np.array([1.0, 1.0])), [0.5625, NAN])


def test_a_model_that_loses_is_put_aside_until_it_wins_by_a_margin():
    answers, held = [], np.array([True])
    for value in (0.01, -0.01, -0.03, -0.01, 0.01, 0.03, -0.01):
        held = skill.trusted(held, np.array([value]), np.array([50.0]))
        answers.append(bool(held[0]))
    assert answers == [True, True, False, False, False, True, True]


def test_few_outcomes_change_nothing():
    few, bad = np.array([29.9]), np.array([-5.0])
    assert skill.trusted(np.array([True]), bad, few).tolist() == [True]
    assert skill.trusted(np.array([False]), -bad, few).tolist() == [False]


def test_outcomes_count_half_after_a_half_life():
    assert skill.decayed(skill.HALF_LIFE_SLOTS) == pytest.approx(0.5)
    assert skill.decayed(-5.0) == 1.0
