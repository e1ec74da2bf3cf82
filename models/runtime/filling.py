"""What a network sees of a window: every slot a number, because it knows no gaps.

Training and inference share this rule, or the network would meet windows that it was never shown.
"""

from typing import Final

import numpy as np

from models.runtime.session import Float32s
from scoring.arrays import Bools, Floats

__all__ = ["MIN_SAMPLES", "enough_samples", "filled"]

MIN_SAMPLES: Final = 5
"""With fewer returned pings among the slots that it sees, a network is not asked."""


def enough_samples(windows: Floats, slots: int) -> Bools:
    """Return ``[n]``: whether the newest slots of each window ``[n, w]`` hold samples enough to forecast from."""
    enough: Bools = np.isfinite(windows[:, max(windows.shape[1] - slots, 0) :]).sum(axis=1) >= MIN_SAMPLES
    return enough


def filled(windows: Floats, slots: int) -> Float32s:
    """Return ``[n, slots]``: the newest slots of windows ``[n, w]`` in ms, without gaps and losses.

    A slot without a returned ping repeats the one before it; those before the first one are as it is. So are the slots
    that a narrower window lacks. A row without any returned ping becomes 0: it is nothing to ask a network about.
    """
    recent = windows[:, max(windows.shape[1] - slots, 0) :]
    missing = slots - recent.shape[1]
    recent = np.hstack([np.full((len(recent), missing), np.nan), recent])
    finite: Bools = np.isfinite(recent)
    first = np.argmax(finite, axis=1)
    source = np.maximum.accumulate(np.where(finite, np.arange(slots), first[:, None]), axis=1)
    values = np.take_along_axis(recent, source, axis=1)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and its row unknown
        known: Bools = np.asarray(finite.any(axis=1))
        return np.where(known[:, None], values, 0.0).astype(np.float32)
