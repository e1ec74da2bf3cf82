"""How many questions a second the API server is asked."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

__all__ = ["Budget", "Exhausted"]

LONGEST_WAIT_S: Final = 2.0
"""How long a question waits for its turn: the one who asks is waiting for an answer."""

BURST_S: Final = 0.5
"""So many seconds' worth of questions may come at once after a quiet time: in no second more than half as many again
as the rate allows, and one."""

MOST_OF_ONE: Final = 10
"""Questions about one caller that may wait at once, so that a single one with made-up tokens leaves room for others."""


class Exhausted(Exception):
    """Too many questions wait already."""


class Budget:
    """Turns at a steady rate. `clock` gives monotonic seconds."""

    def __init__(
        self, per_s: float, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._step_s, self._clock, self._sleep = 1 / per_s, clock, sleep
        self._next = clock()
        self._waiting: Counter[str] = Counter()

    async def take(self, caller: str) -> None:
        """Wait for a turn; raises Exhausted at once where that would take too long, or many of this caller wait."""
        now = self._clock()
        turn = max(self._next, now - BURST_S)
        if turn - now > LONGEST_WAIT_S or self._waiting[caller] >= MOST_OF_ONE:
            raise Exhausted
        self._next = turn + self._step_s
        if turn > now:
            await self._wait(caller, turn - now)

    async def _wait(self, caller: str, seconds: float) -> None:
        self._waiting[caller] += 1
        try:
            await self._sleep(seconds)
        finally:
            self._waiting -= Counter((caller,))  # and no trace of who waits no more
