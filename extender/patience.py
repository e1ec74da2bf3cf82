"""Filter calls whose numbers wait: most likely prioritize asks for the same ones in a moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

__all__ = ["PATIENCE_S", "Patience"]

PATIENCE_S: Final = 0.5
"""How long the numbers of a filter call wait; kube-scheduler calls prioritize within milliseconds, or not at all."""


class Patience:
    """Completions of decisions, by the decision's number, that wait until nothing else completes the decision."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[asyncio.Event, asyncio.Event]] = {}  # no longer to wait, and done

    @asynccontextmanager
    async def of(self, number: int) -> AsyncIterator[None]:
        """Enter after a while, or when told; another one of the same number ends the first one's wait."""
        self.end(number)
        mine = self._waiting[number] = asyncio.Event(), asyncio.Event()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await mine[0].wait()
            yield
        finally:
            mine[1].set()
            if self._waiting.get(number) is mine:
                del self._waiting[number]

    def end(self, number: int) -> bool:
        """Let one go on at once; returns whether it was waiting, or is at work."""
        if (found := self._waiting.get(number)) is None:
            return False
        found[0].set()
        return True

    async def finish(self) -> None:
        """Let all go on, and wait for their ends."""
        for number, (_, done) in list(self._waiting.items()):
            self.end(number)
            await done.wait()
