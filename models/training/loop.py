"""The loop that trains any network: epochs, early stopping, the best state kept, and a checkpoint after every epoch.

It knows neither the network nor its data. What a resumed run does is, bit for bit, what it would have done: batches
are a function of the epoch, and everything else is in the checkpoint.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from models.training.average import Average
from models.training.checkpoint import State, load, save
from models.training.errors import TrainingError
from models.training.history import Epoch, History

__all__ = ["Batch", "Batches", "Settings", "train"]

Network = TypeVar("Network", bound=nn.Module)

Batch: TypeAlias = tuple[Tensor, ...]
Batches: TypeAlias = Callable[[int], Iterable[Batch]]
"""The batches of an epoch, counted from 0; the same each time it is asked."""


@dataclass(frozen=True)
class Settings:
    """How to train."""

    epochs: int
    learning_rate: float
    seed: int = 0
    """Of dropout; weights and batches have been made with the caller's."""
    weight_decay: float = 0.0
    """Of AdamW; 0 is plain Adam."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Cosine: a tenth of the epochs up to the learning rate, then down to none (Loshchilov and Hutter 2017)."""
    patience: int | None = None
    """Stop after so many epochs without a better validation; None never stops early."""
    averaging: float | None = None
    """What comes out is the moving average of the weights, with this decay a step: steadier than the last step's."""
    largest_gradient: float | None = None
    """Gradients with a larger norm are shortened."""
    identity: str = ""
    """What is trained on what; a checkpoint of anything else is refused."""

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.learning_rate <= 0 or (self.patience is not None and self.patience < 1):
            raise ValueError(f"{self}: epochs and patience are at least 1, the learning rate is above 0")

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        if self.schedule == "constant":
            return self.learning_rate
        rising = max(self.epochs / 10, 1.0)
        if epoch + 1 <= rising:
            return self.learning_rate * (epoch + 1) / rising
        share = (epoch + 1 - rising) / max(self.epochs - rising, 1.0)
        return self.learning_rate * max((1 + math.cos(math.pi * share)) / 2, 0.01)


def train(
    network: Network,
    batches: Batches,
    loss: Callable[[Network, Batch], Tensor],
    validate: Callable[[Network], float] | None,
    settings: Settings,
    progress: Callable[[Epoch], None] = lambda epoch: None,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> History:
    """Train a network in place; with a validation it ends in its best state, else in its last.

    Args:
        network: with its first weights.
        batches: of each epoch.
        loss: of a batch, a scalar.
        validate: what is to become small, on data that training does not see; called after each epoch in eval mode.
        settings: how.
        progress: hears of each epoch as it ends.
        checkpoint: written after each epoch, aside and renamed; None for none.
        resume: go on from the checkpoint if it is there.

    Raises:
        TrainingError: the loss is no longer a number, or the checkpoint is of another run or broken.
    """
    torch.manual_seed(settings.seed)
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    state = load(checkpoint, repr(settings)) if resume and checkpoint is not None and checkpoint.exists() else None
    average = Average(network, settings.averaging)
    history, best = _resumed(network, average, optimiser, state)
    while not history.ended(settings.epochs, settings.patience if validate is not None else None):
        epoch = _epoch(network, average, optimiser, batches, loss, validate, settings, len(history.epochs))
        history = history.after(epoch)
        if history.best == epoch.number or validate is None:
            best = {name: value.clone() for name, value in average.network.state_dict().items()}
        if checkpoint is not None:
            save(checkpoint, State.of(repr(settings), history, network, average.state_dict(), optimiser, best))
        progress(epoch)
    network.load_state_dict(best)
    network.eval()
    return history


def _resumed(
    network: nn.Module, average: Average[Any], optimiser: torch.optim.Optimizer, state: State | None
) -> tuple[History, dict[str, Tensor]]:
    if state is None:
        return History(), {name: value.clone() for name, value in network.state_dict().items()}
    try:
        network.load_state_dict(state.network)
        average.load_state_dict(state.average)
        optimiser.load_state_dict(state.optimiser)
    except (RuntimeError, ValueError, KeyError) as e:
        raise TrainingError(f"the checkpoint is of another network: {str(e).splitlines()[0]}; start anew") from e
    torch.set_rng_state(state.random)
    return state.history, state.best


def _epoch(
    network: Network,
    average: Average[Network],
    optimiser: torch.optim.Optimizer,
    batches: Batches,
    loss: Callable[[Network, Batch], Tensor],
    validate: Callable[[Network], float] | None,
    settings: Settings,
    number: int,
) -> Epoch:
    rate = settings.rate(number)
    for group in optimiser.param_groups:
        group["lr"] = rate
    network.train()
    losses = []
    for batch in batches(number):
        losses.append(_step(network, optimiser, loss(network, batch), settings))
        average.follow(network)
    if not losses:
        raise TrainingError(f"epoch {number + 1} has no batches; is there enough data?")
    mean = sum(losses) / len(losses)
    if not math.isfinite(mean):
        raise TrainingError(f"the loss of epoch {number + 1} is {mean}; lower the learning rate, or look at the data")
    average.network.eval()
    with torch.no_grad():
        checked = None if validate is None else float(validate(average.network))
    return Epoch(number, settings.epochs, mean, checked, rate)


def _step(network: nn.Module, optimiser: torch.optim.Optimizer, value: Tensor, settings: Settings) -> float:
    optimiser.zero_grad()
    value.backward()  # type: ignore[no-untyped-call]
    if settings.largest_gradient is not None:
        clip_grad_norm_(network.parameters(), settings.largest_gradient)
    optimiser.step()
    return float(value.detach())
