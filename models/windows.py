"""Windows and what followed them, cut from series in the order of time: what evaluation and validation look at."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from models.data.errors import DataError
from models.data.series import Series
from models.runtime.filling import MIN_SAMPLES
from scoring.arrays import Bools, Floats
from scoring.forecast import HORIZON_SLOTS

__all__ = ["WINDOW_SLOTS", "Cases", "cases", "usable"]

WINDOW_SLOTS: Final = 30


@dataclass(frozen=True)
class Cases:
    """n windows and their futures; NaN is not measured, +inf lost."""

    windows: Floats
    """``[n, w]``: RTT in ms, oldest first, gaps and losses as they were."""
    futures: Floats
    """``[n, h]``: RTT in ms in the slots after the window."""

    def __len__(self) -> int:
        return len(self.windows)

    def thinned(self, most: int) -> Self:
        """Return at most so many cases, evenly spread over all of them."""
        rows = np.unique(np.linspace(0, len(self) - 1, min(most, len(self))).round().astype(np.int64))
        return type(self)(self.windows[rows], self.futures[rows])


def cases(
    series: Series,
    start: int | None = None,
    step: int = HORIZON_SLOTS,
    window: int = WINDOW_SLOTS,
    horizon: int = HORIZON_SLOTS,
) -> Cases:
    """Return the cases of every path whose futures begin at `start`, `start + step`, ... and end within the series.

    Args:
        series: of one source.
        start: first slot of the source that may be forecast; its window lies before it. None: as early as possible.
        step: slots from one case of a path to its next; the horizon's length lets futures not overlap.
        window: slots of a window.
        horizon: slots of a future.

    Raises:
        DataError: no case is left that has samples enough.
    """
    first = max((series.origin_slot if start is None else start) - series.origin_slot, window)
    if start is None:
        first = window
    begins = np.arange(first, series.slots - horizon + 1, step)
    if not begins.size:
        raise DataError(_too_short(series, start, window, horizon))
    at = begins[:, None] + np.arange(-window, horizon)
    cut = series.rtt_ms[:, at].reshape(-1, window + horizon).astype(np.float64)
    found = cut[usable(cut[:, :window], cut[:, window:])]
    if not len(found):
        raise DataError(
            f"{series.name}: no window of {window} slots has {MIN_SAMPLES} returned pings and one after it; "
            "use a longer --interval-s, or data with fewer gaps"
        )
    return Cases(found[:, :window], found[:, window:])


def usable(windows: Floats, futures: Floats) -> Bools:
    """Return ``[n]``: whether the window ``[n, w]`` has samples enough, and its future ``[n, h]`` a returned ping."""
    enough: Bools = np.isfinite(windows).sum(axis=1) >= MIN_SAMPLES
    return enough & np.isfinite(futures).any(axis=1)


def _too_short(series: Series, start: int | None, window: int, horizon: int) -> str:
    needed = window + horizon
    if start is None or series.slots < needed:
        return f"{series.name}: {series.slots} slots of {series.interval_s:g} s; at least {needed} are needed"
    last = series.origin_slot + series.slots - horizon
    return f"{series.name}: nothing to forecast from slot {start} on; the last that has {horizon} behind it is {last}"
