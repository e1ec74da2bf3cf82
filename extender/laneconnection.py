"""One connection of the lane (`extender.lane`): from its bytes to requests, one after the other, and to its end."""

import asyncio
import time
from http import HTTPStatus
from math import inf
from typing import TYPE_CHECKING, Any, Final, Generic

from aiohttp.tcp_helpers import tcp_keepalive

from extender.answers import Body
from extender.calls import C
from extender.filling import Filling
from extender.heads import Head
from extender.http import answer_to, count_request
from extender.rawanswers import written

if TYPE_CHECKING:
    from extender.lane import Lane

__all__ = ["LINGER_S", "Connection"]

LINGER_S: Final = 10.0
"""How long the rest of a body may take that nobody reads any more, as the framework has it."""


class Connection(asyncio.Protocol, Generic[C]):
    """One connection: between two requests, gathering a body, or busy until its answer is on its way.

    There are thousands of them, so none has a timer, and between two requests none has anything but this object.
    """

    __slots__ = (
        "_began",
        "_body",
        "_call",
        "_draining",
        "_handler",
        "_lane",
        "_loop",
        "_lost",
        "_paused",
        "_rest",
        "_skipping",
        "_task",
        "_transport",
        "ends_at",
    )

    def __init__(self, lane: "Lane[C]") -> None:
        self._lane: Lane[C] = lane
        self._handler: asyncio.Protocol | None = None  # the framework's, once it has the connection
        self._transport: Any = None
        self._loop = asyncio.get_running_loop()
        self._call: C | None = None  # the one in progress
        self._began = 0.0
        self._body: Filling | None = None  # while it comes
        self._skipping = 0  # bytes of a body whose answer did not wait for it
        self._rest = b""  # of the next request: the begin of its head, or all that came too early
        self._task: asyncio.Task[None] | None = None
        self._paused = self._draining = self._lost = False
        self.ends_at = inf
        """When it is to be closed unless something comes (the loop's time)."""

    # -- what is to be answered, and how -------------------------------------------------------------------------------

    def _asked(self, call: C, head: Head, body: bytes | None) -> None:
        """A request has begun; of a body that has not come whole yet, `_came` or `_broke_off` will tell."""
        raise NotImplementedError

    def _came(self, call: C, body: bytes | memoryview) -> None:
        raise NotImplementedError

    def _broke_off(self, call: C, error: Exception) -> None:
        raise NotImplementedError

    # -- what the transport says ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It begins."""
        self._transport = transport
        tcp_keepalive(self._transport)
        if self._lane.closing:
            self._transport.close()
        self._idle()
        self._lane.came(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended; what is being decided for it goes on, as it is recorded."""
        if self._handler is not None:
            self._handler.connection_lost(exc)
            return
        self._lost = True
        if self._body is not None and self._call is not None:
            self._body = None
            self._broke_off(self._call, exc or ConnectionResetError("connection lost"))
        if self._task is None:  # else when that has ended
            self._lane.left(self)

    def data_received(self, data: bytes) -> None:
        """Some bytes came; those of a request that came too early wait, and nothing is read behind them."""
        if self._handler is not None:
            self._handler.data_received(data)
        elif self._body is not None:
            self._gather(self._body, data)
        elif self._skipping:
            self._skip(data)
        elif self._call is not None:
            self._rest += data
            if not self._transport.is_closing():
                self._transport.pause_reading()
        else:
            self._begin(self._rest + data if self._rest else data)

    def eof_received(self) -> bool | None:
        """The caller says no more: the transport closes."""
        return None if self._handler is None else self._handler.eof_received()

    def pause_writing(self) -> None:
        """The caller does not read."""
        self._paused = True
        if self._handler is not None:
            self._handler.pause_writing()

    def resume_writing(self) -> None:
        """The caller has read its answer."""
        self._paused = False
        if self._handler is not None:
            self._handler.resume_writing()
        elif self._draining:
            self._draining = False
            self._answered()

    # -- a request -----------------------------------------------------------------------------------------------------

    def _begin(self, data: bytes) -> None:
        form = self._lane.form
        head = form.read(data)
        if head is None and form.may_begin(data):
            self._rest = data
            return
        call = None if head is None else self._lane.calls.get(head.target)
        if head is None or call is None or head.length > self._lane.max_bytes:
            self._rest = b""
            self._hand_over(data)
            return
        self._lane.heard(self._transport)
        self._call, self._began, self.ends_at = call, time.perf_counter(), inf
        begin = len(head.raw)
        end = begin + head.length
        self._rest = data[end:]
        if end <= len(data):
            self._asked(call, head, data[begin:end])
            return
        self._body = Filling(head.length)
        self._asked(call, head, None)
        self._gather(self._body, data[begin:])

    def _hand_over(self, data: bytes) -> None:
        """The framework has the connection from here on, and these bytes are the first that it sees."""
        self._call, self._handler = None, self._lane.handlers()
        self._lane.left(self)
        self._handler.connection_made(self._transport)
        self._handler.data_received(data)

    def _gather(self, body: Filling, data: bytes) -> None:
        self._rest = body.put(data)
        if not body.left and self._call is not None:
            self._body = None
            self._came(self._call, body.whole())

    def _skip(self, data: bytes) -> None:
        count = min(len(data), self._skipping)
        self._skipping -= count
        self._rest = data[count:]
        if not self._skipping and not self._draining:
            self._answered()

    # -- its answer ----------------------------------------------------------------------------------------------------

    @property
    def _remote(self) -> str | None:
        peer = self._transport.get_extra_info("peername")
        return peer[0] if isinstance(peer, tuple) else None

    def _fail(self, call: C, error: Exception) -> None:
        """Whatever went wrong becomes the framework's answer."""
        response = answer_to(error, "POST", call.route, self._remote)
        self._write(call, (written(response),), response.status)

    def _write(self, call: C, pieces: Body, status: int = HTTPStatus.OK) -> None:
        if not self._transport.is_closing():
            for piece in pieces:
                self._transport.write(piece)
        seconds = time.perf_counter() - self._began
        self._loop.call_soon(count_request, self._lane.metrics, call.route, status, seconds)
        if self._body is not None:  # the answer did not wait for it
            self._skipping, self._body = self._body.left, None
            self.ends_at = self._loop.time() + LINGER_S
        if self._paused:
            self._draining = True  # no other request until the caller has read this answer
        else:
            self._answered()

    def _answered(self) -> None:
        """The answer is on its way: the next request may come once the body of this one has."""
        if self._lane.closing:
            self._call = None
            self._transport.close()
        elif self._skipping:
            return
        elif self._rest:  # pipelined; others have their turn first
            self._loop.call_soon(self._next)
        else:
            self._call = None
            self._idle()

    def _idle(self) -> None:
        self.ends_at = self._loop.time() + self._lane.idle_s

    def _next(self) -> None:
        self._call = None
        self._idle()
        if self._lane.closing:
            self._transport.close()
        elif not self._transport.is_closing():
            data, self._rest = self._rest, b""
            self._transport.resume_reading()
            self._begin(data)

    # -- its end -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """It has waited for long."""
        self._transport.close()

    def close_when_idle(self) -> None:
        """The listener closes."""
        if self._call is None or self._skipping:
            self.close()

    def abort(self) -> None:
        """Wait no longer for whatever is in progress."""
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()
