"""Errors and calibration of stated violations."""

import numpy as np
import pytest

from models.reliability import reliability

LEVEL = np.array([0.1, 0.1, 0.5, 0.5])


def test_what_comes_true_exactly_has_no_error():
    found = reliability(np.array([0.0, 1.0, 0.5, 0.2]), np.array([0.0, 1.0, 0.5, 0.2]), LEVEL)
    assert found.brier == 0
    assert found.calibration.expected_error == pytest.approx(0)


def test_errors_are_squared_and_told_for_each_level():
    found = reliability(np.array([0.5, 0.5, 1.0, 0.0]), np.array([0.0, 1.0, 0.0, 0.0]), LEVEL)
    assert found.by_level == {0.1: 0.25, 0.5: 0.5}
    assert found.brier == pytest.approx(0.375)


def test_a_forecast_that_is_right_on_average_is_calibrated_however_blunt():
    stated, happened = np.full(4, 0.25), np.array([1.0, 0.0, 0.0, 0.0])
    found = reliability(stated, happened, LEVEL)
    assert found.calibration.expected_error == pytest.approx(0)
    assert found.brier > 0
