"""Training of the violation network: calibrated shares, and within each group the best candidate first."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.data.questions import Questions
from models.training.export import to_onnx
from models.training.history import Epoch, History
from models.training.loop import Batch, Settings, train
from models.training.networks.violation import ViolationNet
from scoring.features import CHANNELS, NAMES, SEQUENCE_SLOTS, inputs
from scoring.paths import Paths

__all__ = ["GROUPS", "SETTINGS", "answers", "brier", "chosen_rate", "export", "loss", "train_violation"]

SETTINGS: Final = Settings(
    epochs=16, learning_rate=2e-3, weight_decay=0.05, schedule="cosine", averaging=0.999, largest_gradient=1.0
)

GROUPS: Final = 50
"""Groups in a batch."""

EPOCH_GROUPS: Final = 20_000
"""Groups that an epoch draws at most: a long trace is learnt in more variety, not in more time."""

PLACEMENT_WEIGHT: Final = 0.3
"""Of the placement in the loss, beside the calibration."""

TEMPERATURE: Final = 0.05
"""Of the soft choice: candidates whose costs differ by less are chosen about alike."""

HIDDEN: Final = 0.06
"""Part of the training rows whose surroundings are hidden, of those whose memory is, and of those that lack both."""

_AT_ONCE: Final = 200
"""Groups that are answered together."""

SMALLEST_SPREAD: Final = 1e-3
"""Of a feature that hardly varies in the training data."""

_REVERSE_CHANNELS: Final = torch.tensor([name.startswith("reverse") for name in CHANNELS])
_MEMORY_FEATURES: Final = torch.tensor([name.startswith("memory") for name in NAMES])
_UNKNOWN: Final = torch.from_numpy(inputs(Paths.bare(np.ones((1, SEQUENCE_SLOTS))), 1.0).features[0])
"""How features look whose source is unknown: NaN, or 0 for those that count it."""
_CONTEXT_FEATURES: Final = torch.tensor([name.startswith(("reverse", "candidate", "peer")) for name in NAMES])


def train_violation(
    data: Questions,
    validation: Questions | None,
    settings: Settings = SETTINGS,
    progress: Callable[[Epoch], None] = lambda epoch: None,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> tuple[ViolationNet, History]:
    """Return a trained network and how it went; with validation data its best epoch is kept."""
    torch.manual_seed(settings.seed)
    network = ViolationNet(*_statistics(data))
    batches = _Batches(data, settings.seed)
    validate = None if validation is None else lambda net: _validation_loss(net, validation)
    history = train(network, batches, loss, validate, settings, progress, checkpoint, resume)
    return network, history


def loss(network: ViolationNet, batch: Batch) -> Tensor:
    """Return cross-entropy with the share of violations, plus the violations of a soft choice among candidates.

    The first makes the answers probabilities, the second spends the network's capacity where the choice depends on it.
    Each head of the network answers for itself, or they would become alike, and for each part of the horizon.
    """
    sequence, features, outcome, parts, known = batch
    odds = network.logits(sequence.flatten(0, 1).float(), features.flatten(0, 1)).view(-1, *parts.shape)
    entropy = _entropy(network, odds, parts.float())
    calibration = (entropy * known).sum() / (len(odds) * known.sum().clamp(min=1))
    costs = network.violation(odds).masked_fill(~known, 2.0)
    choice = torch.softmax(-costs / TEMPERATURE, dim=-1)
    return calibration + PLACEMENT_WEIGHT * (choice * outcome).sum(dim=-1).mean()


def _entropy(network: ViolationNet, odds: Tensor, parts: Tensor) -> Tensor:
    """``[heads, groups, n]``: the mean over the parts of the horizon that were measured, each by its length."""
    weight = torch.where(torch.isnan(parts), 0.0, network.shares)
    target = torch.nan_to_num(parts).expand_as(odds)
    each = functional.binary_cross_entropy_with_logits(odds, target, reduction="none")
    return (each * weight).sum(dim=-1) / weight.sum(dim=-1).clamp(min=1e-6)


def chosen_rate(network: ViolationNet, data: Questions) -> float:
    """Return the mean violation of the candidates that the network would choose, 0..1."""
    costs = np.where(data.known, answers(network, data), 2.0)
    return float(data.outcome[np.arange(len(data)), costs.argmin(axis=1)].mean())


def brier(network: ViolationNet, data: Questions) -> float:
    """Return the mean squared difference between answers and outcomes of the known rows."""
    return float(((answers(network, data) - data.outcome)[data.known] ** 2).mean())


@torch.no_grad()
def answers(network: ViolationNet, data: Questions) -> NDArray[np.float32]:
    """Return ``[g, n]``: the network's probabilities."""
    network.eval()
    parts = []
    for start in range(0, len(data), _AT_ONCE):
        sequence, features, outcome, *_ = _tensors(data.take(np.arange(start, min(start + _AT_ONCE, len(data)))))
        parts.append(network(sequence.flatten(0, 1).float(), features.flatten(0, 1)).view_as(outcome))
    return np.asarray(torch.cat(parts).numpy())


def export(network: ViolationNet) -> bytes:
    """Return the network as ONNX, compared with torch; the inputs tried hold unknown features."""
    generator = torch.Generator().manual_seed(0)
    sequence = torch.randn(8, SEQUENCE_SLOTS, len(CHANNELS), generator=generator)
    features = network.mean + network.scale * torch.randn(8, len(network.mean), generator=generator)
    features[::3, ::5] = torch.nan
    return to_onnx(network, {"sequence": sequence, "features": features}, ["violation"])


class _Batches:
    """Groups in an order that the seed and the epoch decide."""

    def __init__(self, data: Questions, seed: int) -> None:
        self._data, self._seed = data, seed

    def __call__(self, epoch: int) -> Iterable[Batch]:
        rng = np.random.default_rng((self._seed, epoch))
        order = rng.permutation(len(self._data))[:EPOCH_GROUPS]
        for start in range(0, len(order) - GROUPS + 1, GROUPS):
            part = self._data.take(np.sort(order[start : start + GROUPS]))
            sequence, features, outcome, parts, known = _tensors(part)
            alone, forgotten, both = torch.from_numpy(rng.random((3, *outcome.shape)) < HIDDEN)[..., None]
            alone, forgotten = alone | both, forgotten | both
            sequence = torch.where(alone[..., None] & _REVERSE_CHANNELS, 0.0, sequence)
            unknown = (alone & _CONTEXT_FEATURES) | (forgotten & _MEMORY_FEATURES)
            yield sequence, torch.where(unknown, _UNKNOWN, features), outcome, parts, known


def _tensors(data: Questions) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    return (
        torch.from_numpy(data.sequence),
        torch.from_numpy(data.features),
        torch.from_numpy(data.outcome),
        torch.from_numpy(data.parts),
        torch.from_numpy(data.known),
    )


def _validation_loss(network: ViolationNet, data: Questions) -> float:
    parts = [data.take(np.arange(a, min(a + GROUPS, len(data)))) for a in range(0, len(data), GROUPS)]
    return sum(float(loss(network, _tensors(part))) * len(part) for part in parts) / len(data)


def _statistics(data: Questions) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Means and standard deviations ``[f]`` of the features of the known rows, one feature at a time for memory."""
    columns = (data.features[..., column][data.known] for column in range(data.features.shape[2]))
    both = np.array([_mean_and_spread(column[~np.isnan(column)].astype(np.float64)) for column in columns])
    return both[:, 0].astype(np.float32), np.maximum(both[:, 1], SMALLEST_SPREAD).astype(np.float32)


def _mean_and_spread(values: NDArray[np.float64]) -> tuple[float, float]:
    return (float(values.mean()), float(values.std())) if len(values) else (0.0, 0.0)
