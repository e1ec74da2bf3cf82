"""What came of each epoch, and whether it is time to stop."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

__all__ = ["Epoch", "History"]


@dataclass(frozen=True)
class Epoch:
    """One pass over the batches."""

    number: int
    """From 0."""
    of: int
    """Epochs that were asked for."""
    loss: float
    """Mean over the batches."""
    validation: float | None
    """None where nothing is validated."""
    learning_rate: float


@dataclass(frozen=True)
class History:
    """All epochs so far."""

    epochs: tuple[Epoch, ...] = ()

    @property
    def best(self) -> int | None:
        """The number of the epoch with the least validation; None without one."""
        checked = [(e.validation, e.number) for e in self.epochs if e.validation is not None and not _nan(e.validation)]
        return min(checked)[1] if checked else None

    def after(self, epoch: Epoch) -> Self:
        """Return the history with one more epoch."""
        return type(self)((*self.epochs, epoch))

    def ended(self, epochs: int, patience: int | None) -> bool:
        """Whether all epochs are done, or the best of them lies `patience` behind."""
        done = len(self.epochs)
        if done >= epochs:
            return True
        return patience is not None and done > 0 and done - 1 - (self.best or 0) >= patience

    def summary(self) -> dict[str, Any]:
        """What a manifest says of it."""
        last = self.epochs[-1] if self.epochs else None
        best = None if self.best is None else self.epochs[self.best]
        return {
            "epochs": len(self.epochs),
            "stopped_early": bool(last and len(self.epochs) < last.of),
            "loss": round(last.loss, 6) if last else None,
            "best_epoch": None if best is None else best.number + 1,
            "validation": None if best is None or best.validation is None else round(best.validation, 6),
        }

    def as_rows(self) -> list[dict[str, Any]]:
        """Plain values, for a checkpoint."""
        return [asdict(epoch) for epoch in self.epochs]


def _nan(value: float) -> bool:
    return math.isnan(value)
