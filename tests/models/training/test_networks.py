"""The networks: what they promise before they have learnt anything."""

import numpy as np
import pytest
import torch

from models.legacy.lstm import recognise
from models.synthetic import generate
from models.training.losses import median_and_quantiles, squared_error
from models.training.networks import LEVELS, SeedLstm, SharedForecaster
from models.training.networks.statistics import interpolation, summation


@pytest.fixture
def shared():
    """Weights far from where it begins, so that what holds, holds for any."""
    torch.manual_seed(2)
    network = SharedForecaster(hidden=8, head=12).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return network


def windows(kind="heavy_tailed", n=50):
    return torch.from_numpy(generate(kind, n, 30, 1).astype(np.float32))


def test_untrained_it_forecasts_nearly_the_median_and_the_windows_quantiles():
    torch.manual_seed(0)
    noise = windows("white_noise", 300)
    points, quantiles = SharedForecaster()(noise)
    spread = noise.std(1, keepdim=True)
    assert ((points - noise.quantile(0.5, 1, keepdim=True)).abs() / spread).mean() < 0.1
    own = noise.quantile(torch.tensor(LEVELS), 1).T
    assert ((quantiles - own).abs() / spread).mean() < 0.3


@pytest.mark.parametrize("kind", ["heavy_tailed", "level_shift", "white_noise"])
def test_quantiles_never_cross_and_nothing_is_negative(shared, kind):
    points, quantiles = shared(windows(kind))
    assert points.shape == (50, 30)
    assert (quantiles.diff(dim=1) >= 0).all()
    assert (points > 0).all()
    assert (quantiles > 0).all()


def test_milliseconds_and_seconds_give_the_same_forecast(shared):
    window = windows()
    for ours, theirs in zip(shared(window), shared(1000 * window), strict=True):
        torch.testing.assert_close(1000 * ours, theirs, rtol=2e-3, atol=0)


def test_constant_windows_give_numbers_near_the_constant(shared):
    for level in (0.0, 0.2, 500.0):
        points, quantiles = shared(torch.full((1, 30), level))
        assert torch.isfinite(points).all()
        assert torch.isfinite(quantiles).all()
        assert (points - level).abs().max() <= 0.05 * level + 1e-4


def test_its_matrices_are_quantiles_and_sums():
    ordered = np.sort(np.random.default_rng(0).normal(size=(4, 30)))
    levels = (0.1, 0.5, 0.77, 1.0)
    np.testing.assert_allclose(
        ordered @ interpolation(levels, 30).numpy(), np.quantile(ordered, levels, axis=1).T, rtol=1e-5
    )
    gaps = torch.tensor([[1.0, 2.0, 3.0]])
    assert (gaps @ summation((0.1, 0.5, 0.7, 0.9))).tolist() == [[-1.0, 0.0, 2.0, 5.0]]


def test_the_loss_ignores_what_was_not_measured(shared):
    window, future = windows(), windows("ar")
    holes = future.clone()
    holes[:, 20:] = torch.nan
    holes[:, 19] = torch.inf
    value = median_and_quantiles(shared, (window, holes))
    value.backward()
    assert torch.isfinite(value)
    assert all(torch.isfinite(w.grad).all() for w in shared.parameters())
    assert not torch.isclose(value, median_and_quantiles(shared, (window, future)))


@pytest.mark.parametrize(("outputs", "layers"), [(30, 2), (1, 3)])
def test_the_seeds_network_has_the_old_plugins_names_and_sizes(outputs, layers):
    network = SeedLstm(outputs, layers=layers, mean_ms=2.0, scale_ms=0.5)
    state = {k: v.numpy() for k, v in network.state_dict().items() if not k.endswith("_ms")}
    known = recognise("x", state)
    assert (known.hidden, len(known.layers), known.inputs, known.outputs) == (128, layers, 1, outputs)
    assert network.lstm.dropout == 0.3
    assert network(windows(n=2)).shape == (2, outputs)


def test_the_seeds_loss_is_the_squared_error_of_standardised_values():
    network = SeedLstm(hidden=4, mean_ms=3.0, scale_ms=2.0).eval()
    window, future = windows(n=4), windows("ar", n=4)
    future[0, 0] = torch.nan
    error = ((network(window) - future) / 2.0) ** 2
    torch.testing.assert_close(squared_error(network, (window, future)), error[~error.isnan()].mean())
