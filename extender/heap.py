"""What malloc keeps of memory that was freed goes back to the system in quiet moments.

The arrays of a whole cluster, made for one decision, end up on glibc's heap between small objects, and what they leave
stays resident until malloc is asked for it: 30 MB at 5,000 nodes. To have each of them mapped by itself instead would
give that back at once, but takes page faults again for each decision and each request of some megabytes.
"""

import asyncio
import ctypes
import time
from collections.abc import Awaitable, Callable
from typing import Final

from extender.garbage import QUIET_S

__all__ = ["PERIOD_S", "Heap", "glibc_trim"]

PERIOD_S: Final = 20.0
"""Between two times that malloc is asked."""

Trim = Callable[[int], int]
"""As glibc's `malloc_trim`: keeps so many bytes at the heap's end, and returns 1 where anything was given back."""


class Heap:
    """Gives memory back while it runs; `last_call` is the time of the latest webhook call, by `clock`.

    In a thread, because it takes some milliseconds.
    """

    def __init__(
        self,
        last_call: Callable[[], float],
        trim: Trim | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._last_call, self._trim, self._clock, self._sleep = last_call, trim, clock, sleep

    async def run(self) -> None:
        """Again and again, for ever."""
        while True:
            await self._sleep(PERIOD_S)
            if self._trim is not None and self._clock() - self._last_call() >= QUIET_S:
                await asyncio.to_thread(self._trim, 0)


def glibc_trim() -> Trim | None:
    """The C library's `malloc_trim`, if it is glibc."""
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 - another library's may do something else
        found: Trim = library.malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
    return found
