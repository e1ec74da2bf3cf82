"""What all HTTP handlers share: bounded bodies, JSON errors, and one place that counts and logs them."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from extender.errors import BadRequest, RequestError, TooLarge, WrongContentType
from extender.metrics import Metrics
from neilats.log import get_logger

__all__ = ["Handler", "bounded_body", "error_response", "json_body", "json_response", "observe"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = get_logger("extender.http")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
MIB: Final = 1024 * 1024


def json_response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer; bytes are taken as JSON already."""
    raw = body if isinstance(body, bytes) else _encode(body)
    return web.Response(body=raw, status=status, content_type="application/json", headers=headers)


def error_response(error: RequestError) -> web.Response:
    """The answer to a request that is at fault."""
    return json_response(error.body(), error.status, error.headers())


async def bounded_body(request: web.Request, limit: int, also: str = "application/json") -> bytes:
    """The body, if it says it is JSON, or of the type `also`, and is not above the limit (bytes, decompressed)."""
    kind = request.content_type
    if kind not in ("application/json", also) and not kind.endswith("+json"):
        raise WrongContentType(f"content type {kind!r}: send application/json")
    if request.content_length is not None and request.content_length > limit:
        raise TooLarge(f"the body has {request.content_length} bytes; at most {limit} are read")
    chunks, size = [], 0
    try:
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"the body has more than {limit} bytes")
            chunks.append(chunk)
    except web.RequestPayloadError as e:
        raise BadRequest(f"the body does not fit its headers: {e}") from e
    return b"".join(chunks)


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
        metrics.requests.labels(route, str(response.status)).inc()
        metrics.request_seconds.labels(route).observe(time.perf_counter() - began)
        return response

    return middleware


async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except RequestError as e:
        log.info(
            "request refused", extra={"path": request.path, "status": e.status, "remote": request.remote, "why": e}
        )
        return error_response(e)
    except web.HTTPException as e:
        return json_response({"error": f"{e.reason}: {request.method} {request.path}"}, e.status)
    except ConnectionResetError:
        raise
    except Exception:
        log.exception("request failed", extra={"path": request.path})
        return json_response({"error": "internal error; the extender's log has the details"}, 500)
