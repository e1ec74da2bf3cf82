"""One connection of the lane (`extender.lane`): from its bytes to calls, and from what they decide to bytes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import numpy as np
from aiohttp.tcp_helpers import tcp_keepalive

from extender.answers import Body
from extender.calls import Call, Decided
from extender.heads import may_become_head, read_head
from extender.http import LARGE, answer_to, count_request
from extender.rawanswers import success, written

if TYPE_CHECKING:
    from extender.lane import Lane

__all__ = ["Connection", "Handlers", "Heard"]

Handlers = Callable[[], asyncio.Protocol]
Heard = Callable[[asyncio.BaseTransport], None]


class Connection(asyncio.Protocol):
    """One connection: between two requests, gathering a body, or busy until its answer is on its way."""

    def __init__(self, lane: "Lane", handlers: Handlers, heard: Heard, idle_s: float) -> None:
        self._lane, self._handlers, self._heard, self._idle_s = lane, handlers, heard, idle_s
        self._handler: asyncio.Protocol | None = None  # the framework's, once it has the connection
        self._transport: Any = None
        self._loop = asyncio.get_running_loop()
        self._call: Call | None = None  # the one in progress
        self._began = self._quiet_since = 0.0
        self._body: memoryview | None = None  # to be filled up to its length
        self._filled = 0
        self._rest = b""  # of the next request: the begin of its head, or all that came too early
        self._task: asyncio.Task[None] | None = None
        self._paused = self._draining = self._lost = False
        self._timer: asyncio.TimerHandle | None = None

    # -- what the transport says ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It begins."""
        self._transport = transport
        tcp_keepalive(self._transport)
        if self._lane.closing:
            self._transport.close()
        self._lane.came(self)
        self._quiet_since = self._loop.time()
        self._timer = self._loop.call_later(self._idle_s, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended; what is being decided for it goes on, as it is recorded."""
        if self._handler is not None:
            self._handler.connection_lost(exc)
            return
        self._lost = True
        if self._timer is not None:
            self._timer.cancel()
        if self._body is not None and self._call is not None:
            self._count(self._call, "error")
            self._body = None
        if self._task is None:  # else when that has ended
            self._lane.left(self)

    def data_received(self, data: bytes) -> None:
        """Some bytes came; those of a request that came too early wait, and nothing is read behind them."""
        if self._handler is not None:
            self._handler.data_received(data)
        elif self._body is not None:
            self._gather(self._body, data)
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
        head = read_head(data)
        if head is None and may_become_head(data):
            self._rest = data
            return
        call = None if head is None else self._lane.calls.get(head.target)
        if head is None or call is None or head.length > self._lane.max_bytes:
            self._hand_over(data)
            return
        self._heard(self._transport)
        self._call, self._began = call, time.perf_counter()
        end = head.end + head.length
        self._rest = data[end:]
        if end <= len(data):
            self._decide(call, data[head.end : end])
            return
        # Memory of numpy's, as in `extender.http.large_body`.
        self._body, self._filled = np.empty(head.length, np.uint8).data, 0
        self._gather(self._body, data[head.end :])

    def _hand_over(self, data: bytes) -> None:
        """The framework has the connection from here on."""
        self._handler, self._rest = self._handlers(), b""
        if self._timer is not None:
            self._timer.cancel()
        self._lane.left(self)
        self._handler.connection_made(self._transport)
        self._handler.data_received(data)

    def _gather(self, body: memoryview, data: bytes) -> None:
        count = min(len(data), len(body) - self._filled)
        body[self._filled : self._filled + count] = data[:count]
        self._filled += count
        if self._filled == len(body) and self._call is not None:
            self._rest, self._body = data[count:], None
            self._decide(self._call, body if len(body) >= LARGE else bytes(body))

    def _decide(self, call: Call, body: bytes | memoryview) -> None:
        try:
            decided = call.decide(body)
        except Exception as e:
            self._fail(call, e)
            return
        if isinstance(decided, tuple):
            self._answer(call, *decided)
        else:
            self._task = self._loop.create_task(self._wait(call, decided))

    async def _wait(self, call: Call, decided: Awaitable[Decided]) -> None:
        try:
            found = await decided
        except Exception as e:
            self._task = None
            self._fail(call, e)
        else:
            self._task = None
            self._answer(call, *found)
        finally:
            self._task = None
            if self._lost:
                self._lane.left(self)

    # -- its answer ----------------------------------------------------------------------------------------------------

    def _answer(self, call: Call, pieces: Body, outcome: str) -> None:
        self._write(call, success(pieces), outcome, HTTPStatus.OK)

    def _fail(self, call: Call, error: Exception) -> None:
        """Whatever went wrong becomes the answer that the framework's way gives."""
        peer = self._transport.get_extra_info("peername")
        response = answer_to(error, "POST", call.route, peer[0] if isinstance(peer, tuple) else None)
        self._write(call, (written(response),), "error", response.status)

    def _write(self, call: Call, pieces: Body, outcome: str, status: int) -> None:
        if not self._transport.is_closing():
            for piece in pieces:
                self._transport.write(piece)
        seconds = time.perf_counter() - self._began
        self._loop.call_soon(count_request, self._lane.metrics, call.route, status, seconds)
        self._count(call, outcome)
        if self._paused:
            self._draining = True  # no other request until the caller has read this answer
        else:
            self._answered()

    def _answered(self) -> None:
        """The answer is on its way: the next request may come."""
        self._quiet_since = self._loop.time()
        if self._lane.closing:
            self._call = None
            self._transport.close()
        elif self._rest:  # pipelined; others have their turn first
            self._loop.call_soon(self._next)
        else:
            self._call = None

    def _next(self) -> None:
        self._call = None
        if self._lane.closing:
            self._transport.close()
        elif not self._transport.is_closing():
            data, self._rest = self._rest, b""
            self._transport.resume_reading()
            self._begin(data)

    def _count(self, call: Call, outcome: str) -> None:
        self._loop.call_soon(call.count, outcome, time.perf_counter() - self._began)

    # -- its end -------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Close a connection on which nothing was asked for a while."""
        due = self._quiet_since + self._idle_s
        now = self._loop.time()
        if self._call is None and now >= due:
            self._transport.close()
        else:
            self._timer = self._loop.call_at(due if due > now else now + self._idle_s, self._look)

    def close_when_idle(self) -> None:
        """The listener closes."""
        if self._call is None:
            self._transport.close()

    def abort(self) -> None:
        """Wait no longer for whatever is in progress."""
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()
