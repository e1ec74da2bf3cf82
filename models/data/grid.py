"""Samples of one path at any time, folded into slots of one length."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.data.errors import DataError
from models.data.series import Series
from scoring.arrays import Floats, Ints

__all__ = ["DEFAULT_INTERVAL_S", "Samples", "on_grid"]

DEFAULT_INTERVAL_S: Final = 10.0
"""What the old plugin's windows were meant to be, and the prober's default."""

MOST_SLOTS: Final = 20_000_000


@dataclass(frozen=True)
class Samples:
    """n samples of one path, in any order."""

    at_s: Floats
    """``[n]`` seconds since the epoch; may repeat."""
    rtt_ms: Floats
    """``[n]`` +inf where the ping was lost."""


def on_grid(samples: Samples, interval_s: float, name: str) -> Series:
    """Return the path as a series ``[1, t]``; slots without a sample are NaN, so a gap of days stays a gap.

    A slot that several samples fall in is their median; between a number and a loss it is the loss. Raises DataError
    for no samples, and for times so far apart that one of them must be wrong.
    """
    if not samples.at_s.size:
        raise DataError(f"{name}: no samples; about 60 slots of {interval_s:g} s are the least to train on")
    since = samples.at_s - samples.at_s.min()
    if since.max() / interval_s > MOST_SLOTS:
        raise DataError(
            f"{name}: {since.max() / 86400:,.0f} days between the first and the last sample are more than "
            f"{MOST_SLOTS:,} slots of {interval_s:g} s; look for a wrong time, or use a longer --interval-s"
        )
    slots = np.floor(since / interval_s).astype(np.int64)
    rtt_ms = np.full(int(slots.max()) + 1, np.nan, np.float32)
    slot, middle = _medians(slots, samples.rtt_ms)
    rtt_ms[slot] = middle
    return Series(name, rtt_ms[None], interval_s)


def _medians(slots: Ints, rtt_ms: Floats) -> tuple[Ints, Floats]:
    """The slots that have a sample, and the median of each."""
    order = np.lexsort((rtt_ms, slots))
    slots, rtt_ms = slots[order], rtt_ms[order]
    slot, first, count = np.unique(slots, return_index=True, return_counts=True)
    return slot, (rtt_ms[first + (count - 1) // 2] + rtt_ms[first + count // 2]) / 2
