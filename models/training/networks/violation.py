"""The network of SLA violations: an LSTM and convolutions over the newest slots, beside what is known around the path.

It is told the SLA through its inputs alone (`scoring.features`), so one network answers every SLA and every pair. A few
heads answer together: which candidate is best depends on small differences, and those of a single head are partly luck.
Each says how likely the SLA is broken in each part of the horizon: the last value decides the near part, the level the
far one, and a single number would hide which was which.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.data.questions import PARTS
from scoring.features import CHANNELS, NAMES, SEQUENCE_SLOTS

__all__ = ["ARCHITECTURE", "NOISE", "NOISE_SHARE", "ViolationNet"]

HIDDEN: Final = 32
"""Of the LSTM, in one layer; a wider one learns the trace by heart, a deeper one costs twice the time."""

SLOTS_A_STEP: Final = 2
"""That the LSTM reads at once: half the steps take half the time, and it places as well."""

HEADS: Final = 3

FILTERS: Final = 16
"""More cost time and learn the trace by heart."""
REACH, STRIDE = 4, 2
"""Slots of a filter, and from one to the next; twice, so that the second layer sees ten slots."""

WIDE: Final = 128
NARROW: Final = 32
DROPOUT: Final = 0.2

FURTHEST: Final = 5.0
"""Standardised features are cut at so many standard deviations."""

TOLD: Final = ("candidate_out40", "candidate_in40", "peer_out40", "memory_5min")
"""Features of which the network is also told whether they are known: one for each thing that may be unknown."""

NOISE: Final = "candidate_out40"
NOISE_SHARE: Final = 0.15
"""Of the answer is the candidate's noise itself: how likely its links exceed now what the SLA leaves to the path.

A network trusts what the paths of its trace did and underrates what is measured of the node. Told so afterwards it
places better on all later slices that were tried, for 2 % of its Brier score. It does not learn with it, or it would
make up for it.
"""

ARCHITECTURE: Final = {
    "type": "lstm+cnn", "hidden": HIDDEN, "layers": 1, "slots_a_step": SLOTS_A_STEP, "filters": FILTERS, "reach": REACH,
    "stride": STRIDE, "heads": HEADS, "head": [WIDE, NARROW], "dropout": DROPOUT, "told": list(TOLD),
    "parts": list(PARTS), "noise_share": NOISE_SHARE,
}  # fmt: skip
"""What a manifest says of it."""

_COLUMNS: Final = [NAMES.index(name) for name in TOLD]
_NOISE: Final = NAMES.index(NOISE)


class ViolationNet(nn.Module):
    """Inputs ``sequence [n, slots, channels]`` and ``features [n, f]``; answers P(RTT > SLA) ``[n]``."""

    mean: Tensor
    scale: Tensor
    shares: Tensor
    """Of the parts in the horizon."""

    def __init__(self, mean: NDArray[np.float32], scale: NDArray[np.float32]) -> None:
        """Take the features' means and standard deviations, NaN left out, over the training data."""
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(mean))
        self.register_buffer("scale", torch.from_numpy(scale))
        self.register_buffer("shares", torch.tensor(PARTS) / sum(PARTS))
        self.lstm = nn.LSTM(SLOTS_A_STEP * len(CHANNELS), HIDDEN, batch_first=True)
        self.filters = _filters()
        self.heads = nn.ModuleList(_head() for _ in range(HEADS))

    def logits(self, sequence: Tensor, features: Tensor) -> Tensor:
        """Return ``[heads, n, parts]`` log odds; an unknown feature (NaN) counts as its mean."""
        steps, _ = self.lstm(sequence.reshape(-1, SEQUENCE_SLOTS // SLOTS_A_STEP, SLOTS_A_STEP * len(CHANNELS)))
        seen = torch.cat([self._scaled(features), steps[:, -1], self.filters(sequence.transpose(1, 2))], dim=1)
        return torch.stack([head(seen) for head in self.heads])

    def _scaled(self, features: Tensor) -> Tensor:
        """Return ``[n, f + told]``."""
        scaled = (features - self.mean) / self.scale
        scaled = torch.where(torch.isnan(scaled), torch.zeros_like(scaled), scaled).clamp(-FURTHEST, FURTHEST)
        return torch.cat([scaled, torch.isnan(features[:, _COLUMNS]).to(scaled.dtype)], dim=1)

    def forward(self, sequence: Tensor, features: Tensor) -> Tensor:
        """Return ``[n]`` probabilities, by the mean of the heads' log odds and the candidates' noise where known."""
        learnt = self.violation(self.logits(sequence, features).mean(dim=0))
        noise = features[:, _NOISE]
        return learnt + NOISE_SHARE * (torch.where(torch.isnan(noise), learnt, noise) - learnt)

    def violation(self, odds: Tensor) -> Tensor:
        """Return ``[...]``: probabilities over the whole horizon from log odds ``[..., parts]``."""
        return torch.sigmoid(odds) @ self.shares


def _filters() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(len(CHANNELS), FILTERS, REACH, STRIDE), nn.ReLU(),
        nn.Conv1d(FILTERS, FILTERS, REACH, STRIDE), nn.ReLU(), nn.Flatten(),
    )  # fmt: skip


def _head() -> nn.Module:
    once = (SEQUENCE_SLOTS - REACH) // STRIDE + 1
    twice = (once - REACH) // STRIDE + 1
    return nn.Sequential(
        nn.Linear(len(NAMES) + len(TOLD) + HIDDEN + FILTERS * twice, WIDE), nn.ReLU(), nn.Dropout(DROPOUT),
        nn.Linear(WIDE, NARROW), nn.ReLU(), nn.Linear(NARROW, len(PARTS)),
    )  # fmt: skip
