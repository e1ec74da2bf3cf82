"""A caller of the lane and of the framework behind it, without a network, and what it may call."""

import asyncio
import re
from functools import partial
from types import SimpleNamespace

from aiohttp import web

from extender.app import new_metrics
from extender.calls import Call
from extender.errors import BadRequest
from extender.heads import CALLS
from extender.http import LARGE, observe
from extender.lane import Lane
from extender.lanecalls import CallConnection
from extender.precedence import Precedence
from extender.webhooks import Webhooks

__all__ = ["MOST", "Verbs", "Wire", "go", "rest", "runner_of", "spoken"]

MOST = 1 << 20


class Verbs:
    """Calls whose answer the body chooses, and what holds back those that wait."""

    def __init__(self):
        self.metrics = new_metrics()
        self.go_on = asyncio.Event()
        self.first = Precedence()
        self.webhooks = Webhooks(SimpleNamespace(calls=self.first), self.metrics, MOST)
        names = ("filter", "prioritize", "preempt")
        self.webhooks.calls = {
            f"/scheduler/{n}": Call(f"/scheduler/{n}", self.decide, partial(self.webhooks._count, n), self.first)
            for n in names
        }
        self.lane = Lane(self.webhooks.calls, self.metrics, MOST, CALLS, CallConnection)

    def decide(self, body):
        text = bytes(body)
        if text.startswith(b"bad"):
            raise BadRequest(f"the body: {len(text)} bytes")
        if text.startswith(b"bug"):
            raise ValueError("a fault of ours")
        if text.startswith((b"wait", b"soon")):
            return self.later(text)
        if text.startswith(b"large"):
            return (b'{"n":"', memoryview(b"x" * LARGE), b'"}'), "ok"
        return (b'{"n":', str(sum(text)).encode(), b"}"), "ok"

    async def later(self, text):
        await (self.go_on.wait() if text.startswith(b"wait") else asyncio.sleep(0))
        if text.endswith(b"bad"):
            raise BadRequest("too late for this one")
        return (b"[]",), "waited"

    def app(self):
        app = web.Application(middlewares=[observe(self.metrics)])
        app.add_routes(self.webhooks.routes())
        return app

    def count(self, outcome, verb="filter"):
        labels = {"verb": verb, "outcome": outcome}
        return self.metrics.registry.get_sample_value("neilats_extender_calls_total", labels) or 0

    def requests(self, status):
        labels = {"route": "/scheduler/filter", "status": str(status)}
        return self.metrics.registry.get_sample_value("neilats_extender_http_requests_total", labels) or 0


class Wire(asyncio.Transport):
    """The side of a connection that the server has; keeps what it writes."""

    def __init__(self, protocol):
        super().__init__()
        self.protocol, self.written, self.closed, self.reading = protocol, bytearray(), False, True
        protocol.connection_made(self)

    def write(self, data):
        assert not self.closed
        self.written += data

    def writelines(self, pieces):
        self.write(b"".join(pieces))

    def is_closing(self):
        return self.closed

    def close(self):
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    abort = close

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def get_extra_info(self, name, default=None):
        return ("192.0.2.1", 7) if name == "peername" else default

    def get_protocol(self):
        return self.protocol

    def said(self):
        """All that was written, without the time of day."""
        return re.sub(rb"Date: [^\r]*\r\n", b"", bytes(self.written))

    def answers(self):
        """The head and body of each answer; the framework's words on what is no HTTP depend on the pieces it saw."""
        found, left = [], self.said()
        while left:
            head, _, left = left.partition(b"\r\n\r\n")
            said = re.search(rb"Content-Length: (\d+)", head)
            length = int(said[1]) if said else 0  # as of 100 Continue
            plain = b"text/plain" in head
            found.append((head.split(b"\r\n")[0] if plain else head, b"" if plain else left[:length]))
            left = left[length:]
        return found


async def rest():
    """Let what was begun go on until it waits."""
    for _ in range(30):
        await asyncio.sleep(0)


async def runner_of(verbs):
    runner = web.AppRunner(verbs.app(), access_log=None, shutdown_timeout=0.001)
    await runner.setup()
    return runner


def go(body=b"{}", verb=b"filter", length=None, more=b""):
    """A request as Go's client writes it."""
    return (
        b"POST /scheduler/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: %d\r\n"
        b"Content-Type: application/json\r\n%sAccept-Encoding: gzip\r\n\r\n%s"
    ) % (verb, len(body) if length is None else length, more, body)


class ByteByByte:
    """A protocol that gets single bytes: the framework forgets a good request that comes with a bad one."""

    def __init__(self, protocol):
        self.protocol = protocol

    def __getattr__(self, name):
        return getattr(self.protocol, name)

    def data_received(self, data):
        for i in range(len(data)):
            self.protocol.data_received(data[i : i + 1])


async def spoken(pieces, *, lane, verbs=None):
    """The answers when these pieces come, and whether the connection was closed."""
    verbs = verbs or Verbs()
    runner = await runner_of(verbs)

    def framework():
        return ByteByByte(runner.server())

    make = verbs.lane.before(framework, lambda transport: None, 60.0) if lane else framework
    wire = Wire(make())
    for piece in pieces:
        if wire.closed:
            break
        wire.protocol.data_received(piece)
        if lane:
            await rest()
    await rest()
    found = wire.answers(), wire.closed
    await asyncio.gather(runner.cleanup(), verbs.lane.close(0.001))
    return found
