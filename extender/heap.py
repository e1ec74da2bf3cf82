"""What malloc keeps of memory that was freed: little, because the windows leave it nothing to use it for again.

glibc moves the size above which a piece of memory is mapped by itself, and goes back to the system when it is freed, up
to 32 MiB as larger pieces come and go. Then the arrays of a whole cluster, made for one decision, end up on the heap
between small objects, and what they leave stays resident: 20 to 35 MB at 5,000 nodes.
"""

import ctypes
from collections.abc import Callable
from typing import Final

__all__ = ["give_back_early"]

MMAP_THRESHOLD: Final = -3
TRIM_THRESHOLD: Final = -1
"""glibc's numbers of these settings (malloc.h)."""

MAPPED_BYTES: Final = 1024 * 1024
"""From this size on each piece is mapped by itself: arrays over all slots of two thousand paths."""

KEPT_BYTES: Final = 4 * 1024 * 1024
"""Free memory at the end of the heap that is kept for what comes next."""

Mallopt = Callable[[int, int], int]


def give_back_early(mallopt: Mallopt | None = None) -> bool:
    """Set both sizes, for the whole process; returns whether that was done. Only glibc has them."""
    mallopt = mallopt or _glibc()
    return mallopt is not None and bool(mallopt(MMAP_THRESHOLD, MAPPED_BYTES) and mallopt(TRIM_THRESHOLD, KEPT_BYTES))


def _glibc() -> Mallopt | None:
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 - others may give these numbers another meaning
        found: Mallopt = library.mallopt
    except (OSError, AttributeError, TypeError):
        return None
    return found
