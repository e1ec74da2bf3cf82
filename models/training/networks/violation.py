"""The network of SLA violations: an LSTM over the newest slots, beside what is known of the surroundings.

It is told the SLA through its inputs alone (`scoring.features`), so one network answers every SLA and every pair.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scoring.features import CHANNELS, NAMES

__all__ = ["HIDDEN", "ViolationNet"]

HIDDEN: Final = 32
"""Of the LSTM, in one layer; a wider one learns the trace by heart, a deeper one costs twice the time."""

WIDE: Final = 128
NARROW: Final = 32
DROPOUT: Final = 0.2

FURTHEST: Final = 5.0
"""Standardised features are cut at so many standard deviations."""


class ViolationNet(nn.Module):
    """Inputs ``sequence [n, slots, channels]`` and ``features [n, f]``; answers P(RTT > SLA) ``[n]``."""

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: NDArray[np.float32], scale: NDArray[np.float32]) -> None:
        """Take the features' means and standard deviations, NaN left out, over the training data."""
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(mean))
        self.register_buffer("scale", torch.from_numpy(scale))
        self.lstm = nn.LSTM(len(CHANNELS), HIDDEN, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(len(NAMES) + HIDDEN, WIDE), nn.ReLU(), nn.Dropout(DROPOUT),
            nn.Linear(WIDE, NARROW), nn.ReLU(), nn.Linear(NARROW, 1),
        )  # fmt: skip

    def logits(self, sequence: Tensor, features: Tensor) -> Tensor:
        """Return ``[n]`` log odds; an unknown feature (NaN) counts as its mean."""
        scaled = (features - self.mean) / self.scale
        scaled = torch.where(torch.isnan(scaled), torch.zeros_like(scaled), scaled).clamp(-FURTHEST, FURTHEST)
        steps, _ = self.lstm(sequence)
        odds: Tensor = self.head(torch.cat([scaled, steps[:, -1]], dim=1))[:, 0]
        return odds

    def forward(self, sequence: Tensor, features: Tensor) -> Tensor:
        """Return ``[n]`` probabilities."""
        return torch.sigmoid(self.logits(sequence, features))
