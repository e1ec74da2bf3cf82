"""A short way for requests of which there are many: past the HTTP framework, which costs more than to answer them.

A connection is in the lane as long as each request on it has exactly the form that `extender.heads` reads. The first
one that has not is handed to the framework together with the connection, byte for byte and for good, so that no state
is shared and no byte is ever read by both. Answers, errors, counts and limits are those of the framework's way.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, Generic

from extender.calls import C
from extender.heads import Form
from extender.laneconnection import Connection
from extender.metrics import Metrics

__all__ = ["Lane"]

Handlers = Callable[[], asyncio.Protocol]
Heard = Callable[[asyncio.BaseTransport], None]

LOOKS: Final = 16
"""In the time for which an idle connection is kept the lane looks so often which ones are over."""


class Lane(Generic[C]):
    """The connections of one listener that are in the lane.

    `calls` are what is answered by path, to requests of this form with bodies of at most `max_bytes`; `connection`
    makes what reads them. `before` says what comes behind the lane, and must have been called first.
    """

    handlers: Handlers
    heard: Heard
    idle_s: float

    def __init__(
        self, calls: Mapping[str, C], metrics: Metrics, max_bytes: int, form: Form, connection: type[Connection[C]]
    ) -> None:
        self.calls: dict[bytes, C] = {path.encode(): call for path, call in calls.items()}
        self.metrics, self.max_bytes, self.form = metrics, max_bytes, form
        self._connection: type[Connection[C]] = connection
        self.closing = False
        self._open: set[Connection[C]] = set()
        self._empty = asyncio.Event()
        self._looking: asyncio.TimerHandle | None = None

    def before(self, handlers: Handlers, heard: Heard, idle_s: float) -> Handlers:
        """A factory of protocols that keep what the lane can answer from these handlers.

        `heard` is told of a connection's transport with each request. A connection on which nothing is asked is kept
        for `idle_s`.
        """
        self.handlers, self.heard, self.idle_s = handlers, heard, idle_s
        return lambda: self._connection(self)

    async def close(self, wait_s: float) -> None:
        """Close the connections: the idle ones at once, and the others behind their answers, or after so long."""
        self.closing = True
        for connection in list(self._open):
            connection.close_when_idle()
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while self._open:
                    self._empty.clear()
                    await self._empty.wait()
        for connection in list(self._open):
            connection.abort()

    def __len__(self) -> int:
        return len(self._open)

    def came(self, connection: Connection[C]) -> None:
        """A connection has begun."""
        self._open.add(connection)
        if self._looking is None:
            self._look_later()

    def left(self, connection: Connection[C]) -> None:
        """A connection has ended, or is another's."""
        self._open.discard(connection)
        if not self._open:
            self._empty.set()

    def _look_later(self) -> None:
        self._looking = asyncio.get_running_loop().call_later(self.idle_s / LOOKS, self._look)

    def _look(self) -> None:
        """Close the connections on which nothing was asked for a while."""
        now = asyncio.get_running_loop().time()
        for connection in [c for c in self._open if c.ends_at <= now]:
            connection.close()
        self._looking = None
        if self._open:
            self._look_later()
