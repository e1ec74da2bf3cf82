"""Carries the reports to one extender replica over one kept-alive connection and says what became of each."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import aiohttp
import msgspec
from aiohttp import hdrs

from prober.credentials import Credentials
from prober.forms import PLAIN, body_of, form_taken
from prober.replicas import PinnedResolver, Replica, same_family
from prober.wire import Reply, Report, WireError, decode_reply

__all__ = ["Answer", "Courier", "Outcome"]

_TIMEOUT: Final = aiohttp.ClientTimeout(total=10, connect=3)
_MOST_BYTES: Final = 16 * 1024 * 1024
_KEEPALIVE_S: Final = 60.0
_LONGEST_PAUSE_S: Final = 60.0
_FORM_REFUSED: Final = (400, 415)
_OVERLOADED: Final = (429, 503)
"""With a Retry-After."""

_UNAUTHORIZED: Final = {
    401: "see this prober's token_file, and the token's audience, which must be one of the extender's audiences",
    403: "see the extender's reporters, which must name the token's user, and this prober's node_name",
}
"""What to look at."""


class Outcome(StrEnum):
    """What became of a report; the values are the metric's labels."""

    ACCEPTED = "accepted"
    RESYNC = "resync"
    DUPLICATE = "duplicate"
    TOO_LARGE = "too_large"
    REJECTED = "rejected"
    UNAUTHORIZED = "unauthorized"
    UNAVAILABLE = "unavailable"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    BAD_REPLY = "bad_reply"


class Answer(NamedTuple):
    """An outcome with what came along: the reply, the last number that the replica knows, or what went wrong.

    `retry_after_s` is how long an overloaded replica wants to be left alone.
    """

    outcome: Outcome
    reply: Reply | None = None
    last_seq: int = 0
    why: str = ""
    retry_after_s: float = 0.0


class _Refusal(msgspec.Struct):
    error: str = ""
    last_seq: int = 0


class Courier:
    """A client session bound to one replica's address. Use as an async context manager.

    `on_sent` hears the encoding and the bytes of each body. What a replica takes is known from its replies; after a
    refusal the report goes again as plain JSON at once, because an older one may have taken over the address.
    """

    def __init__(
        self,
        replica: Replica,
        bind: Sequence[str] = (),
        credentials: Credentials | None = None,
        on_sent: Callable[[str, int], None] = lambda encoding, size: None,
    ) -> None:
        self._credentials, self._on_sent = credentials or Credentials(), on_sent
        self._form = PLAIN
        self._url = replica.url.joinpath("v1", "report")
        source = next((b for b in bind if same_family(replica.address, b)), None)
        self._connector = aiohttp.TCPConnector(
            resolver=PinnedResolver(replica),
            local_addr=(source, 0) if source else None,
            limit=1,
            keepalive_timeout=_KEEPALIVE_S,
            use_dns_cache=False,
        )
        self._session = aiohttp.ClientSession(connector=self._connector, timeout=_TIMEOUT)

    async def __aenter__(self) -> "Courier":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def carry(self, report: Report) -> Answer:
        """Send one report; never raises for what the network or the replica does."""
        await self._credentials.refresh()
        try:
            status, headers, content = await self._post(report)
            if status in _FORM_REFUSED and self._form != PLAIN:
                self._form = PLAIN
                status, headers, content = await self._post(report)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as e:
            return Answer(Outcome.UNREACHABLE, why=_why(e)[:300])
        if status == 200:
            self._form = form_taken(headers)
        answer = _answer(status, content, _pause_s(headers.get(hdrs.RETRY_AFTER, "")))
        if answer.outcome is Outcome.UNAUTHORIZED:
            self._credentials.doubt()
        return answer

    async def _post(self, report: Report) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of the answer to a report in the form that the replica takes."""
        body = body_of(report, self._form)
        async with self._session.post(
            self._url,
            data=body.content,
            headers=body.headers | self._credentials.headers,
            ssl=self._credentials.tls,
            allow_redirects=False,
        ) as response:
            self._on_sent(body.encoding, len(body.content))
            return response.status, response.headers, await _body(response)


def _pause_s(retry_after: str) -> float:
    """Seconds of a Retry-After; 0 without one that is a number."""
    return min(float(retry_after), _LONGEST_PAUSE_S) if retry_after.isdecimal() and retry_after.isascii() else 0.0


async def _body(response: aiohttp.ClientResponse) -> bytes:
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > _MOST_BYTES:
            raise ValueError(f"the reply has more than {_MOST_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _why(error: Exception) -> str:
    """What went wrong; of a failed handshake only that, because aiohttp adds our own context to it."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorSSLError) else error
    cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else cause
    return f"{type(cause).__name__}: {cause}"


def _answer(status: int, body: bytes, pause_s: float) -> Answer:
    if status == 200:
        try:
            reply = decode_reply(body)
        except WireError as e:
            return Answer(Outcome.BAD_REPLY, why=str(e)[:300])
        return Answer(Outcome.RESYNC if reply.resync else Outcome.ACCEPTED, reply)
    refusal = _refusal(body)
    why = f"HTTP {status}: {refusal.error[:300]}"
    if status == 409:
        return Answer(Outcome.DUPLICATE, last_seq=refusal.last_seq, why=why)
    if status in _UNAUTHORIZED:
        return Answer(Outcome.UNAUTHORIZED, why=f"{why} ({_UNAUTHORIZED[status]})")
    if status == 413:
        return Answer(Outcome.TOO_LARGE, why=why)
    if status in _OVERLOADED and pause_s:
        return Answer(Outcome.BUSY, why=why, retry_after_s=pause_s)
    return Answer(Outcome.REJECTED if 400 <= status < 500 else Outcome.UNAVAILABLE, why=why)


def _refusal(body: bytes) -> _Refusal:
    try:
        return msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Refusal(error=body[:300].decode("utf-8", "replace"))
