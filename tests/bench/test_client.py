"""The raw client reads whole answers, however they are cut into pieces."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.client import Answer, Connection, request
from bench.timing import BenchError

BODY = bytes(range(256)) * 1000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n4;x=1\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n"
SIZED = HEAD + b"content-length: 7\r\n\r\nabcdefg"


async def calls(address: str, *messages: bytes) -> list[Answer]:
    """The answers on one connection; the client blocks, so it has a thread."""

    def ask() -> list[Answer]:
        with Connection(address) as connection:
            return [connection.call(message) for message in messages]

    return await asyncio.to_thread(ask)


async def echo(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    if request.path == "/chunks":
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for begin in range(0, len(body), 1000):
            await response.write(body[begin : begin + 1000])
        return response
    return web.Response(body=body, status=404 if request.path == "/missing" else 200)


async def test_a_real_server_answers_in_one_piece_and_in_chunks_on_one_connection() -> None:
    app = web.Application(client_max_size=1 << 24)
    app.router.add_route("*", "/{path:.*}", echo)
    async with TestServer(app) as server:
        messages = [
            request("/plain", BODY), request("/chunks", BODY), request("/missing", b"x"), request("/plain", b""),
            request("/plain"), request("/chunks", BODY[:1000]),
        ]  # fmt: skip
        found = await calls(f"127.0.0.1:{server.port}", *messages)
    assert [answer.body for answer in found] == [BODY, BODY, b"x", b"", b"", BODY[:1000]]
    assert [answer.status for answer in found] == [200, 200, 404, 200, 200, 200]
    assert all(answer.ms > 0 for answer in found)


async def answered(pieces: Sequence[bytes], ask: Callable[[str], Awaitable[list[Answer]]]) -> list[Answer]:
    """What the client makes of these pieces, which come one after the other, and of the end behind them."""

    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        try:
            return await ask(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        finally:
            await ended.wait()


@pytest.mark.parametrize("message", [CHUNKED, SIZED])
async def test_an_answer_that_comes_byte_by_byte_is_read_whole(message: bytes) -> None:
    pieces = [message[i : i + 1] for i in range(len(message))]
    (answer,) = await answered(pieces, lambda address: calls(address, request("/")))
    assert (answer.status, answer.body) == (200, b"abcdefg")


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (SIZED[:-1], "closed the connection"),
        (CHUNKED[:-2], "closed the connection"),
        (SIZED + b"more", "4 bytes came behind"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "neither Content-Length nor chunks"),
    ],
)
async def test_what_is_no_whole_answer_is_an_error_that_says_so(message: bytes, why: str) -> None:
    with pytest.raises(BenchError, match=why):
        await answered([message], lambda address: calls(address, request("/")))


def test_a_request_has_the_headers_that_go_sends() -> None:
    head, _, body = request("/scheduler/filter", b"{}").partition(b"\r\n\r\n")
    assert head.splitlines() == [
        b"POST /scheduler/filter HTTP/1.1", b"Host: 127.0.0.1", b"User-Agent: Go-http-client/1.1",
        b"Content-Length: 2", b"Content-Type: application/json",
    ]  # fmt: skip
    assert body == b"{}"
