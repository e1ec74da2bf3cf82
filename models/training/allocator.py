"""Memory between the steps of a training: each step frees tens of megabytes that the next one needs again.

glibc gives them back to the kernel each time, which then clears them anew: a third to a half of a training's time.
"""

import ctypes
from typing import Final

__all__ = ["keep_memory"]

_TRIM_THRESHOLD: Final = -1
_MMAP_MAX: Final = -4
"""Parameters of mallopt(3), from malloc.h."""


def keep_memory() -> bool:
    """Have the process keep what it frees; returns whether the C library knows how (musl and others do not)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, -1))
