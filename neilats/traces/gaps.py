"""Slices in which nobody measured anything: a trace with such gaps is usable, but its reader should know."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["gap_warnings"]

SHORTEST_SLICES: Final = 3
SHOWN: Final = 3


def gap_warnings(rtt_ms: NDArray[np.float32], interval_s: float) -> tuple[str, ...]:
    """A line for each of the longest gaps of ``[T, N, N]``, and one for how many more there are."""
    empty = np.isnan(rtt_ms).all(axis=(1, 2))
    edges = np.diff(np.concatenate([[False], empty, [False]]).astype(np.int8))
    gaps = sorted(
        zip(np.nonzero(edges == 1)[0].tolist(), np.nonzero(edges == -1)[0].tolist(), strict=True),
        key=lambda gap: gap[0] - gap[1],
    )
    long = [gap for gap in gaps if gap[1] - gap[0] >= SHORTEST_SLICES]
    lines = [
        f"nothing was measured in slices {start} to {end - 1} ({_time((end - start) * interval_s)})"
        for start, end in long[:SHOWN]
    ]
    return tuple(lines) + ((f"and in {len(long) - SHOWN} more gaps",) if len(long) > SHOWN else ())


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
