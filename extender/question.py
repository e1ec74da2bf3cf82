"""One question about forecast violations, from the moment of the windows to that of its answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extender.gather import Gathered
from extender.violationtable import Places, ViolationTable
from models.holder import Models

__all__ = ["Ask"]


@dataclass
class Ask:
    """One question: k known ones of the gathered paths under an SLA, asked of the models of one moment."""

    table: ViolationTable
    gathered: Gathered
    known: Places
    """[k] places among the gathered."""
    names: Sequence[str]
    sla_ms: float
    models: Models
    version: NDArray[np.int64]
    """[k]: of the windows that were gathered."""
    placed: Places
    """[k] in the table as it was after so many prunings."""
    pruned: int

    @property
    def places(self) -> Places:
        """[k] in the table, which may have been pruned since the question was asked."""
        if self.pruned != self.table.pruned:
            self.placed, self.pruned = self.table.places(self.names), self.table.pruned
        return self.placed
