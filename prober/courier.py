"""Carries the reports to one extender replica over one kept-alive connection and says what became of each."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import aiohttp
import msgspec

from prober.credentials import Credentials
from prober.replicas import PinnedResolver, Replica, same_family
from prober.wire import Reply, Report, WireError, decode_reply, encode

__all__ = ["Answer", "Courier", "Outcome"]

_TIMEOUT: Final = aiohttp.ClientTimeout(total=10, connect=3)
_MOST_BYTES: Final = 16 * 1024 * 1024
_KEEPALIVE_S: Final = 60.0
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
    UNREACHABLE = "unreachable"
    BAD_REPLY = "bad_reply"


class Answer(NamedTuple):
    """An outcome with what came along: the reply, the last number that the replica knows, or what went wrong."""

    outcome: Outcome
    reply: Reply | None = None
    last_seq: int = 0
    why: str = ""


class _Refusal(msgspec.Struct):
    error: str = ""
    last_seq: int = 0


class Courier:
    """A client session bound to one replica's address. Use as an async context manager."""

    def __init__(self, replica: Replica, bind: Sequence[str] = (), credentials: Credentials | None = None) -> None:
        self._credentials = credentials or Credentials()
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
            async with self._session.post(
                self._url,
                data=encode(report),
                headers={"Content-Type": "application/json"} | self._credentials.headers,
                ssl=self._credentials.tls,
                allow_redirects=False,
            ) as response:
                answer = _answer(response.status, await _body(response))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as e:
            return Answer(Outcome.UNREACHABLE, why=_why(e)[:300])
        if answer.outcome is Outcome.UNAUTHORIZED:
            self._credentials.doubt()
        return answer


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


def _answer(status: int, body: bytes) -> Answer:
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
    return Answer(Outcome.REJECTED if 400 <= status < 500 else Outcome.UNAVAILABLE, why=why)


def _refusal(body: bytes) -> _Refusal:
    try:
        return msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Refusal(error=body[:300].decode("utf-8", "replace"))
