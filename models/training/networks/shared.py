"""The shared network: one small LSTM for all pairs, which forecasts in units of the window itself.

Its point forecast is a mixture of robust statistics of the window (median, trimmed and decayed means, last value) that
it weighs for each window, plus a correction for each slot; its quantiles are the window's own, stretched. So on noise
it is as good as the median, and it has only to learn where the future differs from the window.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.training.networks.statistics import (
    MEDIAN_LIKE,
    age_logits,
    interpolation,
    rank_logits,
    summation,
)
from models.windows import WINDOW_SLOTS
from scoring.forecast import HORIZON_SLOTS

__all__ = ["LEVELS", "SharedForecaster", "centre_and_spread"]

LEVELS: Final = (0.01, 0.025, *(round(0.05 * k, 2) for k in range(1, 20)), 0.975, 0.99)
"""Of the quantiles; 5 % apart, closer at the ends, where SLAs lie."""

SLOTS_A_STEP: Final = 3
"""The LSTM reads so many slots at once: a third of the time, and no worse."""

GAPS: Final = len(LEVELS) - 1
LAGS: Final = 3
STATISTICS: Final = 2 * MEDIAN_LIKE
STAYS: Final = 0.05
"""Spreads by which points may move before the quantiles follow: a path whose readings are coarse, or constant, keeps
its values exactly, so that an SLA equal to one of them is kept."""

LEAST_PART: Final = 0.25
"""No forecast lies below this part of the window's fastest sample."""


def centre_and_spread(window: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the sorted window ``[n, w]``, its median ``[n, 1]`` and its spread ``[n, 1]``, all in ms.

    The spread is the interquartile range, which outliers do not touch, and a part of the mean deviation, which is not
    zero where half the samples are equal; floors keep it above zero for a constant window.
    """
    slots = window.shape[1]
    ordered = torch.topk(window, slots, dim=1, largest=False, sorted=True).values
    median = (ordered[:, (slots - 1) // 2, None] + ordered[:, slots // 2, None]) * 0.5
    quartiles = ordered[:, 3 * slots // 4, None] - ordered[:, slots // 4, None]
    deviation = (window - median).abs().mean(1, keepdim=True)
    return ordered, median, quartiles + 0.1 * deviation + 1e-3 * median.abs() + 1e-6


def _memory(level: Tensor) -> Tensor:
    """Return ``[n, 4]``: autocorrelations at lags 1 to 3, and how far the later half lies above the earlier one.

    They tell noise, which is best left alone, from what goes on; 30 samples say little, so every hint counts.
    """
    energy = (level * level).mean(1, keepdim=True) + 1e-3
    lags = [(level[:, lag:] * level[:, :-lag]).mean(1, keepdim=True) / energy for lag in range(1, LAGS + 1)]
    half = WINDOW_SLOTS // 2
    return torch.cat([*lags, level[:, half:].mean(1, keepdim=True) - level[:, :half].mean(1, keepdim=True)], 1)


def _squashed(standard: Tensor) -> Tensor:
    """Large deviations made small, smoothly: within -4..4."""
    return standard / (1.0 + 0.25 * standard.abs())


class SharedForecaster(nn.Module):
    """Takes windows ``[n, 30]`` in ms without gaps, gives ``rtt_ms [n, 30]`` and ``quantiles_ms [n, q]``."""

    position: Tensor
    interpolation: Tensor
    summation: Tensor

    def __init__(self, hidden: int = 32, head: int = 48) -> None:
        super().__init__()
        self.by_age = nn.Parameter(age_logits(WINDOW_SLOTS))
        self.by_rank = nn.Parameter(rank_logits(WINDOW_SLOTS))
        self.lstm = nn.LSTM(2 * SLOTS_A_STEP + 1, hidden)
        self.head = nn.Linear(hidden + WINDOW_SLOTS + LAGS + 2, head)
        self.correction = nn.Linear(head, HORIZON_SLOTS)
        self.mixing = nn.Linear(head, 2 * STATISTICS)
        self.stretching = nn.Linear(head, 2 * GAPS)
        self.fading = nn.Parameter(torch.linspace(2.0, -4.0, HORIZON_SLOTS))
        steps = WINDOW_SLOTS // SLOTS_A_STEP
        self.register_buffer("position", torch.linspace(-1.0, 1.0, steps)[:, None, None])
        self.register_buffer("interpolation", interpolation(LEVELS, WINDOW_SLOTS))
        self.register_buffer("summation", summation(LEVELS))
        self._begin_at_the_median()

    @torch.no_grad()
    def _begin_at_the_median(self) -> None:
        """Untrained, it forecasts nearly the window's median and quantiles."""
        self.correction.weight.mul_(0.02)
        self.correction.bias.zero_()
        self.mixing.bias.zero_()
        self.mixing.bias[[MEDIAN_LIKE, STATISTICS + MEDIAN_LIKE]] = 3.0
        self.stretching.weight.mul_(0.1)
        self.stretching.bias[:GAPS] = 0.0
        self.stretching.bias[GAPS:] = 0.02

    @property
    def architecture(self) -> dict[str, object]:
        """What the manifest says of it."""
        return {
            "type": "shared-lstm",
            "hidden": self.lstm.hidden_size,
            "layers": 1,
            "head": self.head.out_features,
            "slots_a_step": SLOTS_A_STEP,
            "levels": list(LEVELS),
        }

    def forward(self, window: Tensor) -> tuple[Tensor, Tensor]:
        """Return point forecasts ``[n, 30]`` and quantiles ``[n, q]`` over the horizon, both in ms."""
        ordered, median, spread = centre_and_spread(window)
        standard, ranked = (window - median) / spread, (ordered - median) / spread
        features = self._features(standard, ranked, torch.log(spread / (median.abs() + spread)))
        points = self._points(features, standard, ranked)
        shift = points.mean(1, keepdim=True)
        shift = shift - shift.clamp(-STAYS, STAYS)
        quantiles = shift + self._gaps(features, ranked) @ self.summation
        least = LEAST_PART * ordered[:, :1]
        return torch.maximum(median + spread * points, least), torch.maximum(median + spread * quantiles, least)

    def _features(self, standard: Tensor, ranked: Tensor, noisiness: Tensor) -> Tensor:
        """``[n, head]``: what the LSTM makes of the order of the samples, beside their distribution."""
        level = _squashed(standard)
        change = torch.cat([torch.zeros_like(level[:, :1]), level[:, 1:] - level[:, :-1]], 1)
        pairs = torch.stack([level, change], 2)
        steps = pairs.reshape(-1, WINDOW_SLOTS // SLOTS_A_STEP, 2 * SLOTS_A_STEP).transpose(0, 1)
        _, (state, _) = self.lstm(torch.cat([steps, self.position.expand(-1, steps.shape[1], -1)], 2))
        return torch.relu(self.head(torch.cat([state[0], _squashed(ranked), _memory(level), 0.25 * noisiness], 1)))

    def _points(self, features: Tensor, standard: Tensor, ranked: Tensor) -> Tensor:
        """``[n, 30]``: from a mixture for the next slots to one for the later ones, corrected; in spreads."""
        by_age = standard @ torch.softmax(self.by_age, 1).T
        by_rank = ranked @ torch.softmax(self.by_rank, 1).T
        statistics = torch.cat([by_age, by_rank], 1)
        near, far = self.mixing(features).split(STATISTICS, 1)
        soon = (torch.softmax(near, 1) * statistics).sum(1, keepdim=True)
        later = (torch.softmax(far, 1) * statistics).sum(1, keepdim=True)
        correction: Tensor = self.correction(features)
        return later + (soon - later) * torch.sigmoid(self.fading) + correction

    def _gaps(self, features: Tensor, ranked: Tensor) -> Tensor:
        """``[n, q - 1]``: the distances between the window's quantiles, stretched and widened; never negative."""
        own = ranked @ self.interpolation
        stretch, widening = self.stretching(features).split(GAPS, 1)
        gaps = (own[:, 1:] - own[:, :-1]).clamp(min=0.0)
        return gaps * torch.exp(stretch.clamp(-5.0, 3.0)) + functional.relu(widening)
