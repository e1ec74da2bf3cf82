"""Events that wait to be written, those that give way behind the others."""

import asyncio
from collections import deque
from typing import Final

from extender.events.event import Event

__all__ = ["Line"]

GIVING_WAY: Final = 100
"""Events that give way and wait: with more of them the last one would be written after nobody wants to know."""


class Line(asyncio.Queue[Event]):
    """A queue of at most `maxsize` events in which those that give way stand behind all others."""

    def _init(self, maxsize: int) -> None:
        self._first: deque[Event] = deque()
        self._behind: deque[Event] = deque()

    def _put(self, item: Event) -> None:
        (self._behind if item.gives_way else self._first).append(item)

    def _get(self) -> Event:
        return (self._first or self._behind).popleft()

    def qsize(self) -> int:
        """How many wait."""
        return len(self._first) + len(self._behind)

    def empty(self) -> bool:
        """Whether none waits."""
        return not (self._first or self._behind)

    def has_room(self, event: Event) -> bool:
        """Whether an event finds a place, if need be that of one that gives way."""
        if event.gives_way:
            return not self.full() and len(self._behind) < GIVING_WAY
        return not self.full() or bool(self._behind)

    def make_way(self) -> None:
        """Drop the newest event that gives way."""
        self._behind.pop()
        self.task_done()
