"""Whether stated probabilities come true: of what was said to happen in 30 % of the slots, 30 % should happen."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.arrays import Floats

__all__ = ["BINS", "Bin", "Calibration", "calibration"]

BINS: Final = 10


@dataclass(frozen=True)
class Bin:
    """Statements of about the same probability."""

    stated: float
    """Their mean."""
    happened: float
    """How often it was so."""
    share: float
    """Of all statements."""


@dataclass(frozen=True)
class Calibration:
    """A reliability table."""

    bins: tuple[Bin, ...]
    """By probability, empty ones left out."""

    @property
    def expected_error(self) -> float:
        """The expected calibration error: mean of |stated - happened| over the statements (Naeini et al. 2015)."""
        return sum(b.share * abs(b.stated - b.happened) for b in self.bins)


def calibration(stated: Floats, happened: Floats, weight: Floats, bins: int = BINS) -> Calibration:
    """Return the table of n statements.

    Args:
        stated: ``[n]`` probabilities.
        happened: ``[n]`` shares of the slots that each one spoke of, 0..1.
        weight: ``[n]`` how many slots these were.
        bins: equally wide.
    """
    place = np.clip((stated * bins).astype(np.int64), 0, bins - 1)
    total = np.bincount(place, weight, minlength=bins)
    said = np.bincount(place, weight * stated, minlength=bins)
    seen = np.bincount(place, weight * happened, minlength=bins)
    return Calibration(
        tuple(
            Bin(float(said[k] / total[k]), float(seen[k] / total[k]), float(total[k] / total.sum()))
            for k in np.flatnonzero(total)
        )
    )
