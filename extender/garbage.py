"""When the garbage collector looks for cycles: at the young objects often and briefly, at all of them in quiet moments.

Left alone, Python looks after so many more objects were made than freed. Under a steady load of reports, each of which
replaces what was kept of the one before, that takes long, and then tens of thousands of objects are looked at in one
go: 30 to 100 ms, and 300 where it is all of them, amid the answers.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from typing import Final

__all__ = ["Garbage"]

PERIOD_S: Final = 0.1
"""Between two looks at what was made since the last one: under full load that takes about a millisecond."""

DUE_S: Final = 600.0
"""After so long all objects are to be looked at, in the next quiet moment."""

OVERDUE_S: Final = 3600.0
"""After so long they are in any case."""

QUIET_S: Final = 2.0
"""Without a call for so long it is a quiet moment: kube-scheduler has no pod that waits."""


class Garbage:
    """Takes the garbage collector's timing over while it runs.

    Args:
        last_call: the time of the latest webhook call, by `clock`.
        collect: looks at the objects up to a generation (1 the young ones, 2 all).
    """

    def __init__(
        self,
        last_call: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        collect: Callable[[int], object] = gc.collect,
    ) -> None:
        self._last_call, self._clock, self._sleep, self._collect = last_call, clock, sleep, collect
        self._looked = clock()

    async def run(self) -> None:
        """Look again and again, for ever; afterwards Python decides again."""
        enabled = gc.isenabled()
        gc.disable()
        try:
            while True:
                await self._sleep(PERIOD_S)
                self.look()
        finally:
            if enabled:
                gc.enable()

    def look(self) -> None:
        """Look at the young objects, or at all if it is time."""
        now = self._clock()
        passed_s, quiet = now - self._looked, now - self._last_call() >= QUIET_S
        if passed_s >= OVERDUE_S or (passed_s >= DUE_S and quiet):
            self._collect(2)
            self._looked = self._clock()
        else:
            self._collect(1)
