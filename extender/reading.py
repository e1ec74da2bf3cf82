"""What the columns hold of paths, taken out in the order of time: `rows` [n] are all within the columns."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from extender.arrays import RECENT, Floats, RowArrays, Rows
from scoring import memory

__all__ = ["long_memory", "recent", "recent_until", "windows", "windows_until"]


def windows(a: RowArrays, rows: Rows, now: float | Floats, interval_s: float) -> NDArray[np.float32]:
    """[n, slots] in ms, oldest first, the last slot being now's; `now` may be [n], a time for each row."""
    shift, slots = _overdue(a, rows, now, interval_s), a.slots
    cell = _turns(slots).take((a.head[rows] + 1 + shift) % slots, axis=0)
    cell += np.arange(0, len(rows) * slots, slots)[:, None]
    # Whole rings first, and then put into order where they are near: that takes two thirds of the time.
    taken: NDArray[np.float32] = a.ring.take(rows, axis=0).take(cell)
    if (late := np.flatnonzero(shift)).size:
        some = taken[late]
        some[np.arange(slots) >= slots - shift[late, None]] = np.nan
        taken[late] = some
    return taken


def windows_until(a: RowArrays, rows: Rows, now: float, interval_s: float) -> Floats:
    """[n] times from which each row's window is another one although nothing has come; inf where it stays."""
    shift = _overdue(a, rows, now, interval_s)
    return np.where(shift < a.slots, a.anchor[rows] + (shift + 1.5) * interval_s, np.inf)


def recent(a: RowArrays, rows: Rows, now: float, within_s: float, count: int) -> Floats:
    """[n, count] last raw samples, oldest first, NaN for those that are older than `within_s` or absent."""
    cell = _last(a, rows, count)
    values = a.recent_ms.take(cell).astype(np.float64)
    values[(now - a.base[rows])[:, None] - a.recent_at.take(cell) > within_s] = np.nan
    return values


def recent_until(a: RowArrays, rows: Rows, now: float, within_s: float, count: int) -> Floats:
    """[n] times up to which `recent` gives the same although nothing comes; inf where there is nothing to lose."""
    ends = a.base[rows, None] + a.recent_at.take(_last(a, rows, count)).astype(np.float64) + within_s
    first: Floats = np.where(ends >= now, ends, np.inf).min(axis=1)
    return first


def long_memory(a: RowArrays, rows: Rows, now: float) -> NDArray[np.float64]:
    """[n, half-lives, bins] decayed weights of the long memory, as of now."""
    since = np.where(np.isfinite(a.long_at[rows]), now - a.long_at[rows], 0.0)
    decayed: NDArray[np.float64] = a.long[rows] * memory.decay_factor(since)[..., None]
    return decayed


def _overdue(a: RowArrays, rows: Rows, now: float | Floats, interval_s: float) -> NDArray[np.int64]:
    """[n] slots that should have come since the newest: half an interval late is not yet missing."""
    late = np.floor((now - a.anchor[rows]) / interval_s - 0.5)
    return np.clip(np.where(np.isfinite(late), late, a.slots), 0, a.slots).astype(np.int64)


@lru_cache(8)
def _turns(slots: int) -> NDArray[np.int64]:
    """[k]: the slots in order from the k-th on."""
    return np.lib.stride_tricks.sliding_window_view(np.tile(np.arange(slots), 2), slots)


def _last(a: RowArrays, rows: Rows, count: int) -> Rows:
    """[n, count]: where the last raw samples of rows lie, oldest first."""
    slots: Rows = (a.recent_head[rows, None] + 1 + np.arange(RECENT - count, RECENT)) % RECENT
    return slots + (rows * RECENT)[:, None]
