"""The lane answers as the framework does, whatever comes in whatever pieces, and its connections end as they should."""

import asyncio
import re
from functools import partial

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from extender.app import new_metrics
from extender.calls import Call
from extender.errors import BadRequest
from extender.http import LARGE, observe
from extender.lane import Lane
from extender.listeners import Listener
from extender.webhooks import Webhooks

MOST = 1 << 20


class Verbs:
    """Calls whose answer the body chooses, and what holds back those that wait."""

    def __init__(self):
        self.metrics = new_metrics()
        self.go_on = asyncio.Event()
        self.webhooks = Webhooks(None, self.metrics, MOST)
        names = ("filter", "prioritize", "preempt")
        self.webhooks.calls = {
            f"/scheduler/{n}": Call(f"/scheduler/{n}", self.decide, partial(self.webhooks._count, n)) for n in names
        }
        self.lane = Lane(self.webhooks.calls, self.metrics, MOST)

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
            length = int(re.search(rb"Content-Length: (\d+)", head)[1])
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


class ByteByByte:
    """A protocol that gets single bytes: the framework forgets a good request that comes with a bad one."""

    def __init__(self, protocol):
        self.protocol = protocol

    def __getattr__(self, name):
        return getattr(self.protocol, name)

    def data_received(self, data):
        for i in range(len(data)):
            self.protocol.data_received(data[i : i + 1])


async def spoken(pieces, *, lane):
    """The answers when these pieces come, and whether the connection was closed."""
    verbs = Verbs()
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


def go(body=b"{}", verb=b"filter", length=None, more=b""):
    """A request as Go's client writes it."""
    return (
        b"POST /scheduler/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: %d\r\n"
        b"Content-Type: application/json\r\n%sAccept-Encoding: gzip\r\n\r\n%s"
    ) % (verb, len(body) if length is None else length, more, body)


bodies = st.sampled_from([b"", b"{}", b"bad", b"bug", b"soon", b"soon bad", b"POST / HTTP/1.1\r\n\r\n", b"0\r\n\r\n"])
verbs_ = st.sampled_from([b"filter", b"prioritize", b"preempt", b"other", b"Filter", b"filter/"])
fields = st.sampled_from(
    [
        b"Transfer-Encoding: chunked\r\n",
        b"transfer-encoding: chunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Content-Length: 2\r\n",
        b"Content-Length: 0\r\n",
        b"Content-length: 3\r\n",
        b"Connection: close\r\n",
        b"Connection: keep-alive\r\n",
        b"Content-Encoding: deflate\r\n",
        b"Expect: nothing\r\n",
        b"Host: b\r\n",
        b"Accept: */*\r\n",
        b"Accept: */*\n",
        b"Accept:\r\n",
        b" folded\r\n",
        b"",
    ]
)
lengths = st.none() | st.integers(0, 12)
plain = st.builds(go, bodies)
odd = st.builds(go, bodies, verbs_, lengths, fields)


@st.composite
def damaged(draw):
    """A request with one byte of its head changed, left out or put in."""
    request = go(draw(bodies))
    at = draw(st.integers(0, request.index(b"\r\n\r\n") + 3))
    byte = draw(st.sampled_from([b"", b" ", b"\t", b"\n", b"\r", b"\0", b":", b",", b"1", b"X", b"\x80"]))
    return request[:at] + byte + request[at + draw(st.integers(0, 1)) :]


@st.composite
def pieces_of(draw, requests):
    """All requests in pieces of any size."""
    stream = b"".join(requests)
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True) if a < b]


streams = st.lists(plain | odd | damaged(), min_size=1, max_size=3).map(lambda some: [*some, go(), b"\r\n\r\n"])


@settings(max_examples=100, deadline=None)
@given(streams.flatmap(lambda some: st.tuples(st.just(b"".join(some)), pieces_of(some))))
def test_whatever_comes_in_whatever_pieces_is_answered_as_the_framework_does(found):
    stream, pieces = found
    assert asyncio.run(spoken(pieces, lane=True)) == asyncio.run(spoken([stream], lane=False))


@pytest.mark.parametrize("body", [b"{}", b"large", b"bad", b"bug", b"soon", b"soon bad", b"x" * (LARGE + 5)])
async def test_what_goos_client_sends_never_gets_to_the_framework(body):
    verbs, seen = Verbs(), []
    wire = Wire(verbs.lane.before(lambda: pytest.fail("not in the lane"), seen.append, 60.0)())
    for _ in range(2):
        stream = go(body)
        for at in range(0, len(stream), 100_000):
            wire.protocol.data_received(stream[at : at + 100_000])
        await rest()
    assert wire.answers() == (await spoken([go(body), go(body)], lane=False))[0]
    assert seen == [wire, wire]
    assert verbs.requests(200) + verbs.requests(400) + verbs.requests(500) == 2
    assert verbs.count("ok") + verbs.count("waited") + verbs.count("error") == 2


async def test_after_an_unusual_request_the_framework_has_the_connection_for_good():
    verbs = Verbs()
    runner = await runner_of(verbs)
    wire = Wire(verbs.lane.before(runner.server, lambda transport: None, 60.0)())
    wire.protocol.data_received(go())
    assert len(verbs.lane) == 1
    wire.protocol.data_received(b"GET /scheduler/filter HTTP/1.1\r\nHost: x\r\n\r\n")
    assert len(verbs.lane) == 0
    wire.protocol.data_received(go())
    await rest()
    assert re.findall(rb"HTTP/1.1 (\d+)", wire.written) == [b"200", b"405", b"200"]
    await runner.cleanup()


async def test_a_body_above_the_limit_is_refused_by_the_framework():
    said, _ = await spoken([go(b"", length=MOST + 1)], lane=True)
    assert said[0][0].startswith(b"HTTP/1.1 413 ")


async def test_requests_that_come_too_early_wait_for_the_answer_before_them():
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 60.0)())
    wire.protocol.data_received(go(b"wait") + go(b"bad")[:40])
    wire.protocol.data_received(go(b"bad")[40:])
    await rest()
    assert wire.written == b""
    assert not wire.reading
    verbs.go_on.set()
    await rest()
    assert re.findall(rb"HTTP/1.1 (\d+)", wire.written) == [b"200", b"400"]
    assert wire.reading


async def test_what_waits_behind_an_answer_is_not_begun_once_the_lane_closes():
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 60.0)())
    wire.protocol.data_received(go() + b"GET / HTTP/1.1\r\n\r\n")
    await verbs.lane.close(1.0)
    assert wire.closed
    assert wire.written.count(b"HTTP/1.1") == 1


async def test_a_caller_that_does_not_read_its_answer_gets_no_other():
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 60.0)())
    wire.protocol.pause_writing()
    wire.protocol.data_received(go() + go())
    await rest()
    assert wire.written.count(b"HTTP/1.1") == 1
    wire.protocol.resume_writing()
    await rest()
    assert wire.written.count(b"HTTP/1.1") == 2


async def test_a_connection_that_is_lost_amid_a_body_counts_as_an_error():
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 60.0)())
    wire.protocol.data_received(go(b"abc", length=10))
    wire.close()
    await rest()
    assert (verbs.count("error"), len(verbs.lane)) == (1, 0)


async def test_what_is_decided_for_a_lost_connection_is_counted_and_not_written():
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 60.0)())
    wire.protocol.data_received(go(b"wait"))
    wire.close()
    await rest()
    assert len(verbs.lane) == 1
    verbs.go_on.set()
    await rest()
    assert (verbs.count("waited"), len(verbs.lane), wire.written) == (1, 0, b"")


@pytest.mark.parametrize("sent", [b"", go(), go() + b"POST /sch"])
async def test_a_connection_on_which_nothing_is_asked_is_closed(sent):
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 0.02)())
    if sent:
        wire.protocol.data_received(sent)
    while not wire.closed:
        await asyncio.sleep(0.005)
    await rest()
    assert len(verbs.lane) == 0


async def test_a_connection_is_not_closed_while_its_call_is_decided():
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 0.01)())
    wire.protocol.data_received(go(b"wait"))
    await asyncio.sleep(0.05)
    assert not wire.closed
    verbs.go_on.set()
    await rest()
    assert wire.said().startswith(b"HTTP/1.1 200 OK")


async def listening(verbs):
    listener = Listener("webhooks", verbs.app(), "127.0.0.1:0", verbs.metrics, None, lane=verbs.lane)
    return listener, (await listener.open()).split(":")


async def test_a_listener_that_closes_ends_idle_connections_and_answers_what_is_in_progress():
    verbs = Verbs()
    listener, where = await listening(verbs)
    idle, busy = [await asyncio.open_connection(*where) for _ in range(2)]
    idle[1].write(go())
    await idle[0].readuntil(b"}")
    busy[1].write(go(b"wait"))
    while len(verbs.lane) < 2 or not verbs.go_on._waiters:
        await asyncio.sleep(0.001)
    closing = asyncio.create_task(listener.close())
    assert await asyncio.wait_for(idle[0].read(), 5) == b""
    assert not closing.done()
    verbs.go_on.set()
    assert (await asyncio.wait_for(busy[0].read(), 5)).endswith(b"[]")
    await closing
    assert len(listener.connections) == 0
    for _, writer in (idle, busy):
        writer.close()


async def test_a_call_that_takes_too_long_is_given_up_when_the_lane_closes():
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 60.0)())
    wire.protocol.data_received(go(b"wait"))
    await rest()
    await verbs.lane.close(0.01)
    await rest()
    assert wire.closed
    assert (len(verbs.lane), wire.written) == (0, b"")
    late = Wire(verbs.lane.before(None, lambda transport: None, 60.0)())
    assert late.closed


async def test_who_asks_in_the_lane_may_stay():
    verbs = Verbs()
    listener, where = await listening(verbs)
    reader, writer = await asyncio.open_connection(*where)
    writer.write(go())
    await reader.readuntil(b"}")
    assert [silent.cancelled() for silent in listener.connections._open.values()] == [True]
    writer.close()
    await listener.close()
