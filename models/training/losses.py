"""What is minimised. Slots without a returned ping count nothing."""

from typing import Final

import torch
from torch import Tensor

from models.training.networks.seed import SeedLstm
from models.training.networks.shared import LEVELS, SharedForecaster, centre_and_spread

__all__ = ["median_and_quantiles", "squared_error"]

LINEAR_SPREADS: Final = 3.0
"""Up to so many deviations an error counts in proportion, beyond that by its logarithm."""

QUANTILE_WEIGHT: Final = 4.0
"""Makes the quantiles' part of the loss about as large as the points'."""

RESTLESSNESS: Final = 0.03
"""What a point costs that is not the median, so that it moves only where that pays: on noise it hardly does."""


def squared_error(network: SeedLstm, batch: tuple[Tensor, ...]) -> Tensor:
    """Return the seed's loss: the mean squared error of standardised values."""
    window, future = batch
    measured, future = _measured(future)
    error = network.standardised(network(window)) - network.standardised(future)
    return (error**2 * measured).sum() / measured.sum().clamp(min=1.0)


def median_and_quantiles(network: SharedForecaster, batch: tuple[Tensor, ...]) -> Tensor:
    """Return absolute error plus pinball loss (Koenker and Bassett 1978), on a scale of each window's own.

    Medians and quantiles stay what they are when the axis is stretched, so both are taken behind an asinh: a window
    whose path breaks down counts more than others, but does not drown them. All windows count alike.
    """
    window, future = batch
    points, quantiles = network(window)
    measured, future = _measured(future)
    _, middle, _ = centre_and_spread(window)
    unit = LINEAR_SPREADS * ((window - middle).abs().mean(1, keepdim=True) + 0.02 * middle.abs() + 1e-6)
    points, quantiles, future = (LINEAR_SPREADS * torch.asinh((v - middle) / unit) for v in (points, quantiles, future))
    share = measured / measured.sum(1, keepdim=True).clamp(min=1.0)
    restless = RESTLESSNESS * points.abs().mean()
    absolute = ((future - points).abs() * share).sum(1).mean()
    levels = torch.tensor(LEVELS)
    error = future[:, :, None] - quantiles[:, None, :]
    pinball = torch.maximum(levels * error, (levels - 1.0) * error)
    return absolute + restless + QUANTILE_WEIGHT * (pinball * share[:, :, None]).sum(1).mean()


def _measured(future: Tensor) -> tuple[Tensor, Tensor]:
    """Which slots ``[n, h]`` count, 0 or 1, and the future with numbers in the others."""
    finite = torch.isfinite(future)
    return finite.float(), torch.where(finite, future, torch.ones(()))
