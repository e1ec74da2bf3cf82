"""Which connections may stay open: so many in all, and none whose caller asks nothing."""

import asyncio
import time
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from typing import Any, Final, cast

from aiohttp import web

from extender.http import Handler
from neilats.log import get_logger

__all__ = ["IDLE_S", "Connections", "small_buffers"]

log = get_logger("extender.connections")

MOST: Final = 8000
"""Connections of one listener: those of 5000 probers (Kubernetes supports 5000 nodes), and as many as people and dead
connections may need. One over TLS takes 40 KiB, and 57 once it has carried a report (measured): 280 MiB for 5000."""

FIRST_S: Final = 10.0
"""How long a caller may take for its first request, up to the end of the headers."""

LOOKS: Final = 8
"""In that time it is looked so often who has taken longer."""

IDLE_S: Final = 120.0
"""How long a connection is kept between two requests: longer than the callers keep theirs (probers 60 s, kube-scheduler
90 s), because one that is closed just as its caller writes costs that caller a request."""

COMPLAIN_S: Final = 60.0
"""Refused connections are logged at most so often."""

BUFFER: Final = 16 * 1024
"""Bytes of a TLS connection's read buffer: as long as a record of TLS may be."""


def small_buffers(protocol: Any = SSLProtocol) -> None:
    """Have the TLS connections of this process read into a small buffer; asyncio gives each one 256 KiB for good.

    With it a silent connection takes 40 KiB instead of 275; reading 40 MiB takes 0.11 s of CPU instead of 0.04. asyncio
    has no setting for it; a Python whose protocol has no such attribute goes on with what it has.
    """
    if getattr(protocol, "max_size", 0) > BUFFER:
        protocol.max_size = BUFFER


class Connections:
    """The connections of one listener, whose application needs `heard` before all its other middlewares."""

    def __init__(
        self,
        name: str,
        *,
        most: int = MOST,
        first_s: float = FIRST_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._most, self._first_s, self._clock = name, most, first_s, clock
        self._open: set[asyncio.BaseTransport] = set()
        self._silent: dict[asyncio.Transport, float] = {}  # those that asked nothing yet, and until when they may
        self._looking: asyncio.TimerHandle | None = None
        self._complained = float("-inf")

    def __len__(self) -> int:
        return len(self._open)

    def guarded(self, handlers: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """A factory of protocols, each of which hands its connection to one of these handlers if it may stay."""
        return lambda: _Door(self, handlers)

    def admit(self, transport: asyncio.Transport) -> bool:
        """Whether a new connection may stay; it must be heard of soon."""
        if len(self._open) >= self._most:
            self._complain()
            return False
        self._open.add(transport)
        self._silent[transport] = asyncio.get_running_loop().time() + self._first_s
        if self._looking is None:
            self._look_later()
        return True

    def lost(self, transport: asyncio.Transport | None) -> None:
        """A connection has ended."""
        if transport is not None:
            self._open.discard(transport)
            self._silent.pop(transport, None)

    @web.middleware
    async def heard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A middleware: who has asked something may stay."""
        if request.transport is not None:
            self.hear(request.transport)
        return await handler(request)

    def hear(self, transport: asyncio.BaseTransport) -> None:
        """Something was asked on this connection."""
        self._silent.pop(cast(asyncio.Transport, transport), None)

    def _look_later(self) -> None:
        self._looking = asyncio.get_running_loop().call_later(self._first_s / LOOKS, self._look)

    def _look(self) -> None:
        """End the connections that were silent for too long: one timer for all, as there may be thousands."""
        now = asyncio.get_running_loop().time()
        for transport in [t for t, until in self._silent.items() if until <= now]:
            del self._silent[transport]
            transport.abort()  # not closed: closing TLS waits for the other side, which is silent
        self._looking = None
        if self._silent:
            self._look_later()

    def _complain(self) -> None:
        if self._clock() - self._complained >= COMPLAIN_S:
            self._complained = self._clock()
            log.error("connections refused: too many are open", extra={"listener": self._name, "most": self._most})


_deaf: Final = asyncio.Protocol()
"""Ignores everything."""


class _Door(asyncio.Protocol):
    """Stands before a handler, which is made for a connection that may stay only."""

    __slots__ = ("_connections", "_handler", "_handlers", "_transport")

    def __init__(self, connections: Connections, handlers: Callable[[], asyncio.Protocol]) -> None:
        self._connections, self._handlers = connections, handlers
        self._handler: asyncio.Protocol = _deaf
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        if not self._connections.admit(transport):
            transport.abort()
            return
        self._transport, self._handler = transport, self._handlers()
        self._handler.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.lost(self._transport)
        self._handler.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._handler.data_received(data)

    def eof_received(self) -> bool | None:
        return self._handler.eof_received()

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()
