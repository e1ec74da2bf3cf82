"""Connections over real sockets: who stays, and who does not."""

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from extender.app import new_metrics
from extender.connections import BUFFER, Connections, small_buffers
from extender.listeners import Listener
from extender.tls import TlsFiles
from tests.certificates import ADDRESS, Authority

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@asynccontextmanager
async def serving(connections, context=None):
    """An application behind these connections; yields its port."""

    async def hello(request):
        return web.Response(text="hello")

    app = web.Application(middlewares=[connections.heard])
    app.add_routes([web.get("/", hello)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(connections.guarded(runner.server), "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await runner.cleanup()


async def asked(reader, writer):
    """Send a request and read its answer."""
    writer.write(REQUEST)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 404"))
    return await reader.readexactly(5) if b"200" in head else b""


async def ended(reader):
    """Wait until the other side has closed the connection."""
    try:
        return await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        return b""


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
@pytest.mark.parametrize("tls", [False, True])
async def test_who_asks_nothing_is_cut_off(authority, sent, tls):
    connections = Connections("api", first_s=0.05)
    context = TlsFiles(*map(str, authority.issue(ADDRESS))).context() if tls else None
    async with serving(connections, context) as port:
        trust = ssl.create_default_context(cafile=authority.ca) if tls else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
        writer.write(sent)
        assert await ended(reader) == b""
        assert len(connections) == 0
        writer.close()


async def test_who_has_asked_may_be_silent_for_longer():
    connections = Connections("api", first_s=0.05)
    async with serving(connections) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await asked(reader, writer) == b"hello"
        await asyncio.sleep(0.2)
        assert await asked(reader, writer) == b"hello"
        writer.close()


async def test_a_connection_too_many_is_refused_until_another_one_ends(caplog):
    connections = Connections("api", most=2, clock=lambda: 0.0)
    async with serving(connections) as port:
        first, second = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for one in (first, second):
            assert await asked(*one) == b"hello"
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await ended(reader) == b""
            writer.close()
        assert await asked(*first) == b"hello"
        second[1].close()
        while len(connections) > 1:
            await asyncio.sleep(0.001)
        third = await asyncio.open_connection("127.0.0.1", port)
        assert await asked(*third) == b"hello"
        for _, writer in (first, third):
            writer.close()
    assert [r.message for r in caplog.records] == ["connections refused: too many are open"]


async def test_a_listener_minds_its_connections_and_keeps_its_buffers_small():
    app = web.Application()
    listener = Listener("api", app, "127.0.0.1:0", new_metrics(), None)
    where = await listener.open()
    reader, writer = await asyncio.open_connection(*where.split(":"))
    await asked(reader, writer)
    assert (len(listener.connections), len(listener.connections._silent)) == (1, 0)
    assert SSLProtocol.max_size <= BUFFER
    writer.close()
    await listener.close()


@pytest.mark.parametrize(("before", "after"), [({"max_size": 2**18}, BUFFER), ({"max_size": 64}, 64), ({}, None)])
def test_buffers_are_made_smaller_where_python_has_such_a_size(before, after):
    protocol = type("SSLProtocol", (), before)
    small_buffers(protocol)
    assert getattr(protocol, "max_size", None) == after
