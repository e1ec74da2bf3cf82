"""The lane answers as the framework does, whatever comes in whatever pieces, and ends as its listener should."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from extender.listeners import Listener
from tests.extender.lanework import Verbs, Wire, go, rest, spoken

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
    assert (len(listener.connections), len(listener.connections._silent)) == (1, 0)
    writer.close()
    await listener.close()
