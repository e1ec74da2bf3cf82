"""One report for each turn of the event loop, so that whoever else waits for it comes in between."""

import asyncio
from collections import deque
from typing import Final

from extender.precedence import Precedence

__all__ = ["FullError", "Turns"]

MOST: Final = 1000
"""Reports that may wait: a second's work at most."""

MOST_BYTES: Final = 64 * 1024 * 1024
"""Bytes of bodies that may wait."""


PATIENT: Final = 32
"""While fewer wait, they let kube-scheduler's calls go first; more would wait too long for it."""


class FullError(Exception):
    """So many wait that one more would wait too long."""


class Turns:
    """First come, first served. Whoever has taken a turn works until it next awaits something.

    `first` tells of calls that go before all turns.
    """

    def __init__(self, first: Precedence | None = None, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._first, self._most, self._most_bytes = first or Precedence(), most, most_bytes
        self._held: asyncio.TimerHandle | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._bytes = 0
        self._taken = False

    @property
    def full(self) -> bool:
        """Whether nobody else may wait."""
        return len(self._waiting) >= self._most or self._bytes >= self._most_bytes

    async def take(self, size: int) -> None:
        """Wait for a turn with a body of so many bytes; raises FullError instead of waiting with too many others."""
        if self._taken or self._waiting or self._hold():
            await self._wait(size)
        self._taken = True
        asyncio.get_running_loop().call_soon(self._pass_on)

    async def _wait(self, size: int) -> None:
        if self.full:
            raise FullError
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._bytes += size
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()
            raise
        finally:
            self._bytes -= size

    def _hold(self) -> bool:
        """Whether a call goes first now; if so, turns go on when it has ended or has taken long."""
        if self._held is None and len(self._waiting) < PATIENT and (left_s := self._first.left_s):
            self._held = asyncio.get_running_loop().call_later(left_s, self._go_on)
            self._first.then(self._go_on)
        return self._held is not None

    def _go_on(self) -> None:
        if self._held is not None:
            self._held.cancel()
            self._held = None
            if not self._taken:
                asyncio.get_running_loop().call_soon(self._pass_on)

    def _pass_on(self) -> None:
        """Give the turn to the next who still waits; a newcomer does not overtake."""
        self._taken = False
        while self._waiting and not self._taken and not self._hold():
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._taken = True
