"""Where training can go on from: the network, its best state so far, the optimiser, the dice, and the history."""

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from models.aside import write_aside
from models.training.errors import TrainingError
from models.training.history import Epoch, History

__all__ = ["State", "load", "save"]

_PARTS: Final = {"settings", "history", "network", "average", "best", "optimiser", "random"}


@dataclass(frozen=True)
class State:
    """After an epoch."""

    settings: str
    """How the run trains, as text: another way would be another run."""
    history: History
    network: dict[str, Any]
    average: dict[str, Any]
    """The network's moving average, as `Average` has it; empty where nothing is averaged."""
    best: dict[str, Any]
    optimiser: dict[str, Any]
    random: Tensor
    """State of torch's random numbers."""

    @classmethod
    def of(
        cls,
        settings: str,
        history: History,
        network: nn.Module,
        average: dict[str, Any],
        optimiser: torch.optim.Optimizer,
        best: dict[str, Any],
    ) -> "State":
        """Collect what there is now."""
        own = network.state_dict()
        return cls(settings, history, own, average, best, optimiser.state_dict(), torch.get_rng_state())


def save(path: Path, state: State) -> None:
    """Replace the checkpoint at once; raises ArtefactError where it cannot be written."""
    content = io.BytesIO()
    parts = {name: getattr(state, name) for name in _PARTS} | {"history": state.history.as_rows()}
    torch.save(parts, content)
    write_aside(path, content.getvalue())


def load(path: Path, settings: str) -> State:
    """Read a checkpoint of a run with these settings; raises TrainingError that names the file."""
    try:
        parts = torch.load(path, weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as e:
        raise TrainingError(f"{path}: no checkpoint that can be read: {str(e).splitlines()[0]}; delete it") from e
    if not isinstance(parts, dict) or parts.keys() != _PARTS:
        raise TrainingError(f"{path}: not a checkpoint of this program; delete it, or leave out --resume")
    if parts["settings"] != settings:
        raise TrainingError(
            f"{path}: a checkpoint of a run with {parts['settings']}, and this one has {settings}; "
            "resume with the same options, or leave out --resume"
        )
    return State(**(parts | {"history": History(tuple(Epoch(**row) for row in parts["history"]))}))
