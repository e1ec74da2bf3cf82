"""A short way for kube-scheduler's calls: past the HTTP framework, which costs more than to decide about 500 nodes.

A connection is in the lane as long as each request on it has exactly the form that `extender.heads` reads. The first
one that has not is handed to the framework together with the connection, byte for byte and for good, so that no state
is shared and no byte is ever read by both. Answers, errors, counts and limits are those of the framework's way.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from extender.calls import Call
from extender.laneconnection import Connection, Handlers, Heard
from extender.metrics import Metrics

__all__ = ["Lane"]


class Lane:
    """The connections of one listener that are in the lane; `calls` by path, with bodies of at most `max_bytes`.

    `idle_s` is how long a connection is kept on which nothing is asked.
    """

    def __init__(self, calls: Mapping[str, Call], metrics: Metrics, max_bytes: int) -> None:
        self.calls = {path.encode(): call for path, call in calls.items()}
        self.metrics, self.max_bytes = metrics, max_bytes
        self.closing = False
        self._open: set[Connection] = set()
        self._empty = asyncio.Event()

    def before(self, handlers: Handlers, heard: Heard, idle_s: float) -> Handlers:
        """A factory of protocols that keep what the lane can answer from these handlers.

        `heard` is told of a connection's transport with each request.
        """
        return lambda: Connection(self, handlers, heard, idle_s)

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

    def came(self, connection: "Connection") -> None:
        """A connection has begun."""
        self._open.add(connection)

    def left(self, connection: "Connection") -> None:
        """A connection has ended, or is another's."""
        self._open.discard(connection)
        if not self._open:
            self._empty.set()
