"""Scores of forecasters, against values computed by slow loops."""

from dataclasses import dataclass

import numpy as np
import pytest

from models.calibration import calibration
from models.evaluation import SLA_LEVELS, evaluate
from models.windows import Cases
from scoring.forecast import QuantileForecast
from scoring.naive import MedianForecaster

RNG = np.random.default_rng(4)


@dataclass(frozen=True)
class Oracle:
    """Knows one set of futures."""

    futures: np.ndarray
    known: float = 1.0
    name: str = "oracle"

    def forecast(self, paths, horizon):
        levels = np.linspace(0, 1, 31)
        quantiles = np.quantile(self.futures, levels, axis=1, method="inverted_cdf").T
        return QuantileForecast(self.futures, levels, quantiles, np.arange(len(self.futures)) < self.known * 100)


@pytest.fixture
def noise():
    drawn = RNG.lognormal(0, 0.3, (100, 60))
    return Cases(drawn[:, :30], drawn[:, 30:])


def test_knowing_the_future_is_best_in_everything(noise):
    scores = evaluate(Oracle(noise.futures), noise)
    assert list(scores) == ["median", "decayed-mean", "oracle"]
    oracle, median = scores["oracle"], scores["median"]
    assert (oracle.mae_ms, oracle.mae_ratio, median.mae_ratio) == (0, 0, 1)
    assert oracle.pinball_ms < median.pinball_ms
    for level in SLA_LEVELS:
        assert oracle.brier[level] < median.brier[level]
    assert oracle.calibration.expected_error < 0.05 < 1


def test_errors_agree_with_slow_loops(noise):
    noise.futures[3, 4:] = np.nan
    noise.futures[5, 7] = np.inf
    scores = evaluate(MedianForecaster(name="mine"), noise)["mine"]
    errors, briers = [], []
    for window, future in zip(noise.windows, noise.futures, strict=True):
        middle, sla = np.median(window), np.sort(window)[22]
        stated = (window > sla).mean()
        for value in future:
            if np.isfinite(value):
                errors.append(abs(value - middle))
            if not np.isnan(value):
                briers.append((stated - (value > sla)) ** 2)
    assert scores.mae_ms == pytest.approx(np.mean(errors))
    assert scores.brier[0.75] == pytest.approx(np.mean(briers), abs=0.005)  # quantiles 2.5 % apart, not the samples
    assert scores.mae_ratio == scores.mae_ratio_alike == 1


def test_only_cases_that_all_can_answer_count(noise):
    scores = evaluate(Oracle(noise.futures, known=0.25), noise)
    assert {s.cases for s in scores.values()} == {25}
    with pytest.raises(ValueError, match="oracle answers none of 100 cases"):
        evaluate(Oracle(noise.futures, known=0.0), noise)


def test_slow_paths_do_not_outweigh_fast_ones_where_all_count_alike():
    drawn = RNG.lognormal(0, 0.3, (100, 60)) * np.where(np.arange(100) < 50, 1.0, 1000.0)[:, None]
    cases = Cases(drawn[:, :30], drawn[:, 30:])
    knows_the_fast = Oracle(np.where(np.arange(100)[:, None] < 50, drawn[:, 30:], np.median(drawn[:, :30], 1)[:, None]))
    scores = evaluate(knows_the_fast, cases)["oracle"]
    assert scores.mae_ratio > 0.99
    assert scores.mae_ratio_alike == pytest.approx(0.5, abs=0.1)


def test_constant_windows_are_no_error():
    cases = Cases(np.ones((3, 30)), np.ones((3, 30)))
    scores = evaluate(Oracle(cases.futures), cases)
    assert scores["oracle"].mae_ratio == 1
    assert all(v == 0 for v in scores["median"].brier.values())


def test_calibration_compares_what_was_stated_with_what_happened():
    table = calibration(
        np.array([0.05, 0.05, 0.95, 1.0]), np.array([0.0, 0.2, 1.0, 0.5]), np.array([1.0, 1.0, 1.0, 1.0])
    )
    assert [(round(b.stated, 3), round(b.happened, 3), b.share) for b in table.bins] == [
        (0.05, 0.1, 0.5),
        (0.975, 0.75, 0.5),
    ]
    assert table.expected_error == pytest.approx(0.5 * 0.05 + 0.5 * 0.225)
