"""Training data of violation networks: groups of candidates for one pod, and how often each broke the SLA after."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["PARTS", "Questions"]

PARTS: Final = (4, 6, 8, 12)
"""Slots of the horizon's parts, the nearest first: what is near can be told better, and for other reasons."""


@dataclass(frozen=True)
class Questions:
    """g groups of n candidates; a network learns the shares, and which candidate of a group is best."""

    sequence: NDArray[np.float16]
    """``[g, n, slots, channels]`` of `scoring.features`."""
    features: NDArray[np.float32]
    """``[g, n, features]``; NaN where unknown."""
    outcome: NDArray[np.float32]
    """``[g, n]``: fraction of the horizon's measured slots above the SLA."""
    parts: NDArray[np.float16]
    """``[g, n, len(PARTS)]``: the same of each part of the horizon; NaN where nothing of it was measured."""
    known: NDArray[np.bool_]
    """``[g, n]``: whether the path was measured when it was asked for; the others teach nothing."""
    slice_index: NDArray[Any]
    """``[g]``: the slice of each group's question; outcomes are of this one and later ones."""

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def sha256(self) -> str:
        """The digest of all that a network learns from."""
        digest = hashlib.sha256()
        for field in fields(self):
            digest.update(np.ascontiguousarray(getattr(self, field.name)).tobytes())
        return digest.hexdigest()

    @classmethod
    def stack(cls, parts: Sequence["Questions"]) -> "Questions":
        """All parts as one; they must have candidates alike in number."""
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)})

    def take(self, groups: NDArray[Any]) -> "Questions":
        """Some of the groups, by index or by mask."""
        return Questions(**{f.name: getattr(self, f.name)[groups] for f in fields(self)})

    def between(self, first: int, end: int, horizon: int) -> "Questions":
        """The groups asked from slice `first` on whose whole horizon lies before slice `end`."""
        return self.take((self.slice_index >= first) & (self.slice_index + horizon <= end))
