"""The shared networks as forecasters: what they answer, and which artefacts they refuse."""

import numpy as np
import pytest

from models.artefact import Artefact
from models.errors import ArtefactError
from models.runtime import OnnxModel
from models.runtime.estimator import QuantileEstimator
from models.runtime.forecast import ForecastNetwork
from models.runtime.networks import Networks, points_or_naive
from models.runtime.violation import ViolationNetwork
from scoring.attainment import naive_violation
from scoring.features import NAMES
from scoring.naive import MedianForecaster
from scoring.paths import Paths
from tests.models.shared import (
    LEVELS,
    forecast_manifest,
    forecast_network,
    violation_manifest,
    violation_network,
)

STEADY, THIN, EMPTY = [2.0] * 40, [np.nan] * 36 + [2.0] * 4, [np.nan] * 40
PATHS = Paths.bare(np.array([STEADY, THIN, EMPTY]))


def forecaster(tmp_path, times=3.0, **changes):
    content = Artefact(forecast_manifest(**changes), forecast_network(times), tmp_path / "shared.onnx")
    return ForecastNetwork(OnnxModel.load(content))


def estimator(tmp_path, answer=0.25, **changes):
    content = Artefact(violation_manifest(**changes), violation_network(answer), tmp_path / "judge.onnx")
    return ViolationNetwork(OnnxModel.load(content))


def test_a_forecast_is_the_networks_where_there_are_samples_enough(tmp_path):
    forecast = forecaster(tmp_path).forecast(PATHS, 30)
    assert forecast.known.tolist() == [True, False, False]
    np.testing.assert_allclose(forecast.rtt_ms[0], 6.0)
    np.testing.assert_allclose(forecast.quantiles_ms[0], [3.0, 6.0, 9.0])
    assert np.isnan(forecast.rtt_ms[1:]).all()
    assert forecast.violation(6.0)[0] == pytest.approx(1 - LEVELS[1])


def test_a_horizon_beyond_the_networks_goes_on_with_its_last_slot(tmp_path):
    assert forecaster(tmp_path).forecast(PATHS, 120).rtt_ms.shape == (3, 120)
    assert forecaster(tmp_path).forecast(PATHS, 4).rtt_ms.shape == (3, 4)


def test_a_stale_path_is_not_forecast(tmp_path):
    stale = Paths(PATHS.windows, PATHS.memory, PATHS.noise, np.zeros(3, dtype=bool))
    assert not forecaster(tmp_path).forecast(stale, 30).known.any()
    assert np.isnan(estimator(tmp_path).violation(stale, 5.0)).all()


def test_no_paths_have_no_forecasts(tmp_path):
    nobody = Paths.bare(np.empty((0, 40)))
    assert forecaster(tmp_path).forecast(nobody, 30).rtt_ms.shape == (0, 30)
    assert estimator(tmp_path).violation(nobody, 5.0).shape == (0,)


def test_the_network_of_violations_answers_for_each_path_that_has_samples(tmp_path):
    np.testing.assert_allclose(estimator(tmp_path).violation(PATHS, 5.0), [0.25, np.nan, np.nan])


@pytest.mark.parametrize(("answer", "given"), [(7.0, 1.0), (-1.0, 0.0), (np.nan, np.nan)])
def test_an_answer_that_is_no_probability_is_cut_or_unknown(tmp_path, answer, given):
    np.testing.assert_allclose(estimator(tmp_path, answer).violation(PATHS, 5.0)[0], given)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "violation"}, "expected 'forecast'"),
        ({"architecture": {}}, r"architecture\.levels"),
        ({"architecture": {"levels": [0.1, "x", 0.9]}}, r"architecture\.levels"),
        ({"architecture": {"levels": [0.1, 0.1, 0.9]}}, "ascend"),
        ({"architecture": {"levels": [0.1, 0.9]}}, "outputs"),
        ({"window": 64}, "64 slots"),
    ],
)
def test_a_forecast_artefact_that_is_not_one_is_refused_by_file(tmp_path, changes, says):
    with pytest.raises(ArtefactError, match=says) as caught:
        forecaster(tmp_path, **changes)
    assert "shared.onnx" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "forecast"}, "expected 'violation'"),
        ({"architecture": {}}, r"no architecture\.features"),
        ({"architecture": {"features": [*NAMES[1:], "repeats"]}}, f"lacks {NAMES[0]}; has repeats"),
        ({"architecture": {"features": list(NAMES[::-1])}}, "another order"),
    ],
)
def test_a_violation_artefact_of_other_features_is_refused_by_file(tmp_path, changes, says):
    with pytest.raises(ArtefactError, match=says) as caught:
        estimator(tmp_path, **changes)
    assert "judge.onnx" in str(caught.value)


def test_where_the_network_cannot_say_the_median_forecasts(tmp_path):
    rtt_ms, own = points_or_naive(forecaster(tmp_path), PATHS, 30)
    np.testing.assert_allclose(rtt_ms[:, 0], [6.0, 2.0, np.nan])
    assert own.tolist() == [True, False, False]


def test_both_networks_are_one_forecaster_that_computes_what_is_asked(tmp_path):
    both = Networks(forecaster(tmp_path), estimator(tmp_path))
    forecast = both.forecast(PATHS, 30)
    assert both.name == "shared+judge"
    np.testing.assert_allclose(forecast.violation(5.0), [0.25, naive_violation(PATHS, 5.0)[1], np.nan])
    np.testing.assert_allclose(forecast.rtt_ms[:, 0], [6.0, 2.0, np.nan])
    assert forecast.known.tolist() == [True, True, False]


def test_a_forecast_is_never_below_the_share_that_was_lost(tmp_path):
    half_lost = Paths.bare(np.where(np.arange(64) % 2, 3.0, np.inf)[None])
    assert estimator(tmp_path, 0.1).violation(half_lost, 50.0)[0] == pytest.approx(0.5, abs=0.02)


def test_without_networks_the_naive_violations_are_left():
    naive = Networks(MedianForecaster())
    assert naive.name == "median"
    np.testing.assert_array_equal(naive.forecast(PATHS, 30).violation(5.0), naive_violation(PATHS, 5.0))


def test_quantiles_answer_for_what_returns_and_the_past_for_what_is_lost(tmp_path):
    half_lost = Paths.bare(np.array([[2.0, np.inf] * 20]))
    lost = naive_violation(half_lost, np.inf)[0]
    slow = 1 - LEVELS[1]
    answer = QuantileEstimator(forecaster(tmp_path), 30).violation(half_lost, 6.0)
    assert answer[0] == pytest.approx(lost + (1 - lost) * slow)
