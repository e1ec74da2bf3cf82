"""An imported model as a forecaster."""

import numpy as np
import pytest

from models.artefact import Artefact
from models.errors import ArtefactError
from models.legacy.forecaster import PairForecaster, newest_samples
from models.runtime import OnnxModel
from scoring.naive import MedianForecaster
from scoring.paths import Paths
from tests.models.networks import manifest, network


@pytest.fixture
def forecaster(tmp_path):
    return PairForecaster(OnnxModel.load(Artefact(manifest(), network(), tmp_path / "tiny.onnx")))


def windows(n=6, w=64, seed=0):
    return np.random.default_rng(seed).normal(2.0, 0.3, (n, w))


def test_point_forecasts_are_the_networks_on_the_newest_samples(forecaster):
    rows = windows()
    expected = forecaster.model.run({"window": rows[:, -30:].astype(np.float32)})["rtt_ms"]
    np.testing.assert_allclose(forecaster.forecast(Paths.bare(rows), 30).rtt_ms, expected, rtol=1e-6)


def test_gaps_and_losses_are_stepped_over():
    row = np.array([[1.0, np.nan, 2.0, np.inf, 3.0, 4.0]])
    assert newest_samples(row, 3).tolist() == [[2.0, 3.0, 4.0]]
    assert newest_samples(row, 6).tolist() == [[2.5, 2.5, 1.0, 2.0, 3.0, 4.0]]
    assert newest_samples(row, 8).tolist() == [[2.5, 2.5, 2.5, 2.5, 1.0, 2.0, 3.0, 4.0]]


def test_a_horizon_beyond_the_networks_goes_on_with_its_last_slot(forecaster):
    longer = forecaster.forecast(Paths.bare(windows()), 120).rtt_ms
    assert longer.shape == (6, 120)
    assert (longer[:, 30:] == longer[:, 29:30]).all()
    assert forecaster.forecast(Paths.bare(windows()), 5).rtt_ms.shape == (6, 5)


def test_the_distribution_is_the_windows_moved_to_the_forecast(forecaster):
    rows = windows()
    rows[:, 5] = np.inf
    ours, naive = (f.forecast(Paths.bare(rows), 30) for f in (forecaster, MedianForecaster()))
    moved = ours.rtt_ms.mean(axis=1) - np.where(np.isfinite(rows), rows, np.nan)[:, np.arange(64) != 5].mean(axis=1)
    finite = np.isfinite(naive.quantiles_ms)
    np.testing.assert_allclose(
        ours.quantiles_ms[finite], (naive.quantiles_ms + moved[:, None]).clip(1e-3)[finite], rtol=1e-9
    )
    assert np.isinf(ours.quantiles_ms[:, -1]).all()
    assert (np.diff(ours.quantiles_ms[:, :-1]) >= 0).all()


def test_paths_without_enough_samples_get_the_naive_forecast(forecaster):
    rows = np.full((4, 64), np.nan)
    rows[1, -4:], rows[2, -9:], rows[3] = 2.0, np.inf, windows(1)[0]
    ours, naive = (f.forecast(Paths.bare(rows), 30) for f in (forecaster, MedianForecaster()))
    assert ours.known.tolist() == [False, True, True, True]
    np.testing.assert_array_equal(ours.rtt_ms[:3], naive.rtt_ms[:3])
    np.testing.assert_array_equal(ours.quantiles_ms[:3], naive.quantiles_ms[:3])
    assert not np.array_equal(ours.rtt_ms[3], naive.rtt_ms[3])


def test_a_row_that_breaks_the_network_gets_the_naive_forecast(forecaster):
    rows = windows(2)
    rows[0, -1] = 1e300
    ours, naive = (f.forecast(Paths.bare(rows), 30) for f in (forecaster, MedianForecaster()))
    finite = np.isfinite(ours.rtt_ms)
    assert finite.all()
    assert not np.array_equal(ours.rtt_ms[1], naive.rtt_ms[1])


def test_empty_batches_and_narrow_windows_are_forecast(forecaster):
    assert forecaster.forecast(Paths.bare(np.empty((0, 30))), 5).rtt_ms.shape == (0, 5)
    assert not forecaster.forecast(Paths.bare(np.empty((2, 0))), 5).known.any()
    assert np.isfinite(forecaster.forecast(Paths.bare(windows(2, 8)), 5).rtt_ms).all()


def test_a_model_of_another_kind_is_refused_by_file(tmp_path):
    other = OnnxModel.load(Artefact(manifest(kind="network"), network(), tmp_path / "tiny.onnx"))
    with pytest.raises(ArtefactError, match=r"tiny\.onnx: kind 'network'"):
        PairForecaster(other)
