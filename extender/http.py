"""What all HTTP handlers share: bounded bodies, JSON errors, and one place that counts and logs them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from aiohttp import web

from extender.errors import BadRequest, Busy, RequestError, TooLarge, WrongContentType
from extender.metrics import Metrics
from neilats.log import get_logger

__all__ = [
    "LARGE",
    "Handler",
    "answer_to",
    "bounded_body",
    "count_request",
    "json_body",
    "json_pieces",
    "json_response",
    "large_body",
    "observe",
]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = get_logger("extender.http")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
MIB: Final = 1024 * 1024

LARGE: Final = 256 * 1024
"""Bytes above which a body is gathered in one buffer."""


def json_response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer; bytes are taken as JSON already."""
    raw = body if isinstance(body, bytes) else _encode(body)
    return web.Response(body=raw, status=status, content_type="application/json", headers=headers)


async def json_pieces(request: web.Request, pieces: Sequence[bytes | memoryview]) -> web.StreamResponse:
    """A JSON answer in pieces; large ones are written as they are, one after the other."""
    length = sum(map(len, pieces))
    if length < LARGE:
        return json_response(b"".join(pieces))
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(length)})
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece)
    await response.write_eof()
    return response


async def bounded_body(request: web.Request, limit: int, also: str = "application/json") -> bytes:
    """The body, if it says it is JSON, or of the type `also`, and is not above the limit (bytes, decompressed)."""
    _check(request, limit, also)
    content = request.content
    if content.is_eof() and content.exception() is None and content.total_bytes <= limit:
        return content.read_nowait()  # it came with its headers, as the calls of small clusters do
    chunks: list[bytes] = []
    await _received(request, limit, chunks.append)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def large_body(request: web.Request, limit: int) -> bytes | memoryview:
    """As `bounded_body`; a large one comes as a view of the buffer that it was gathered in."""
    length = request.content_length
    if length is None or not LARGE <= length <= limit or "Content-Encoding" in request.headers:
        return await bounded_body(request, limit)
    _check(request, limit)
    # Memory of numpy's, because it asks for huge pages: to touch 8,000 small ones takes longer than all that follows.
    body, at = np.empty(length, np.uint8).data, 0

    def put(chunk: bytes) -> None:
        nonlocal at
        body[at : at + len(chunk)] = chunk
        at += len(chunk)

    await _received(request, length, put)
    return body[:at]


def _check(request: web.Request, limit: int, also: str = "application/json") -> None:
    kind = request.headers.get("Content-Type", "")
    if kind != "application/json":
        kind = request.content_type
    if kind not in ("application/json", also) and not kind.endswith("+json"):
        raise WrongContentType(f"content type {kind!r}: send application/json")
    if request.content_length is not None and request.content_length > limit:
        raise TooLarge(f"the body has {request.content_length} bytes; at most {limit} are read")


async def _received(request: web.Request, limit: int, put: Callable[[bytes], None]) -> None:
    """Hand over the body piece by piece, up to a limit."""
    size = 0
    try:
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"the body has more than {limit} bytes")
            put(chunk)
    except web.RequestPayloadError as e:
        raise BadRequest(f"the body does not fit its headers: {e}") from e


async def json_body(request: web.Request, limit: int = MIB) -> dict[str, Any]:
    """The body as a JSON object."""
    body = await bounded_body(request, limit)
    try:
        value = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise BadRequest(f"the body: {e}") from e
    if not isinstance(value, dict):
        raise BadRequest(f"the body: expected a JSON object, found {type(value).__name__}")
    return value


def observe(metrics: Metrics) -> Any:
    """A middleware: every fault becomes a JSON error, is counted by route, and never ends the process."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        response = await _guarded(request, handler)
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "unknown"
        seconds = time.perf_counter() - began
        asyncio.get_running_loop().call_soon(
            count_request, metrics, route, response.status, seconds
        )  # after the answer
        return response

    return middleware


def count_request(metrics: Metrics, route: str, status: int, seconds: float) -> None:
    """Count an answered request."""
    metrics.requests.labels(route, str(status)).inc()
    metrics.request_seconds.labels(route).observe(seconds)


async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ConnectionResetError:
        raise
    except Exception as e:
        return answer_to(e, request.method, request.path, request.remote)


def answer_to(error: Exception, method: str, path: str, remote: str | None) -> web.Response:
    """The answer to a request at which this was raised; what is to be known of it is logged."""
    if isinstance(error, RequestError):
        if not isinstance(error, Busy):  # that is logged now and then where it arises: there are many at once
            log.info("request refused", extra={"path": path, "status": error.status, "remote": remote, "why": error})
        return json_response(error.body(), error.status, error.headers())
    if isinstance(error, web.HTTPException):
        return json_response({"error": f"{error.reason}: {method} {path}"}, error.status)
    log.error("request failed", exc_info=error, extra={"path": path})
    return json_response({"error": "internal error; the extender's log has the details"}, 500)
