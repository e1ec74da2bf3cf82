"""Series of round trips on a regular grid: all that training and evaluation see of any source."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.data.errors import DataError

__all__ = ["Series", "digest", "of_matrix"]

Float32s: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Series:
    """n paths of one source, measured in the same slots."""

    name: str
    """Of the source, for messages and manifests."""
    rtt_ms: Float32s
    """``[n, t]``: ms, oldest first; NaN where nothing was measured, +inf where the ping was lost."""
    interval_s: float
    """Seconds between slots."""
    origin_slot: int = 0
    """Which slot of the source the first one is."""

    def __post_init__(self) -> None:
        if self.rtt_ms.ndim != 2 or not self.rtt_ms.size:
            raise DataError(f"{self.name}: an array of shape {list(self.rtt_ms.shape)}; expected [paths, slots]")
        if not (np.isfinite(self.interval_s) and self.interval_s > 0):
            raise DataError(f"{self.name}: {self.interval_s:g} s between slots; expected seconds above 0")

    @property
    def slots(self) -> int:
        """Length of every path."""
        return int(self.rtt_ms.shape[1])

    def before(self, slot: int) -> Self:
        """Return only what lies before this slot of the source; raises DataError where nothing does."""
        return replace(self, rtt_ms=self.rtt_ms[:, : max(slot - self.origin_slot, 0)])

    def since(self, slot: int) -> Self:
        """Return only what lies at or behind this slot of the source; raises DataError where nothing does."""
        first = max(slot - self.origin_slot, 0)
        return replace(self, rtt_ms=self.rtt_ms[:, first:], origin_slot=self.origin_slot + first)


def of_matrix(name: str, rtt_ms: Float32s, interval_s: float) -> Series:
    """Return the paths of a matrix trace ``[T, N, N]``, without the diagonal and what was never measured."""
    slots, nodes = rtt_ms.shape[0], rtt_ms.shape[1]
    paths = rtt_ms.transpose(1, 2, 0).reshape(nodes * nodes, slots)
    measured = ~np.isnan(paths).all(axis=1) & ~np.eye(nodes, dtype=bool).ravel()
    if not measured.any():
        raise DataError(f"{name}: nothing is measured between any two nodes")
    return Series(name, np.ascontiguousarray(paths[measured], dtype=np.float32), interval_s)


def digest(series: Sequence[Series]) -> str:
    """Return a sha256 of everything that a network sees of these series, in this order."""
    total: Final = sha256()
    for one in series:
        total.update(f"{one.rtt_ms.shape} {one.interval_s!r}".encode())
        # All NaN alike: which bits a NaN has is an accident of where it came from.
        total.update(np.where(np.isnan(one.rtt_ms), np.float32(np.nan), one.rtt_ms).astype("<f4").tobytes())
    return total.hexdigest()
