"""What a recipe is asked for, and what it gives."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from models.manifest import Manifest
from models.training.history import Epoch

__all__ = ["Options", "Trained", "now"]


@dataclass(frozen=True)
class Options:
    """How to train; None stands for what the recipe says."""

    name: str
    """Of the artefact."""
    seed: int = 0
    epochs: int | None = None
    validation_share: float | None = None
    """The latest part of the data that only validates; 0 trains on everything."""
    pair: str | None = None
    """`a2b` for a model of one pair."""
    progress: Callable[[Epoch], None] = lambda epoch: None
    checkpoint: Path | None = None
    resume: bool = False
    threads: int | None = None
    """Of torch; None leaves it as it is."""
    about_data: dict[str, Any] = field(default_factory=dict)
    """What the manifest says of the data beside its digest."""

    def with_defaults(self, epochs: int, validation_share: float) -> Self:
        """Fill in what the recipe says; raises ValueError for a share that leaves nothing."""
        share = validation_share if self.validation_share is None else self.validation_share
        if not 0 <= share <= 0.5:
            raise ValueError(f"a validation share of {share:g}; expected 0 to .5")
        return replace(self, epochs=self.epochs or epochs, validation_share=share)


@dataclass(frozen=True)
class Trained:
    """An artefact before it is written."""

    manifest: Manifest
    network: bytes
    """The ONNX file."""


def now() -> datetime:
    """When an artefact is made."""
    return datetime.now(UTC).replace(microsecond=0)
