"""Asks extenders: one by its URL, or every replica behind the names of several.

ClientError
├── UnreachableError   no connection, or no answer in time
├── RefusedError       an answer that is an error; holds the status and what the extender says
└── GarbledError       an answer that is no extender's
"""

import asyncio
import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from prober.replicas import PinnedResolver, Replica, Resolve, system_resolve

__all__ = ["Answer", "ClientError", "GarbledError", "RefusedError", "UnreachableError", "ask", "ask_all"]

TIMEOUT: Final = aiohttp.ClientTimeout(total=15, connect=4)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class ClientError(Exception):
    """An extender could not be asked."""


class UnreachableError(ClientError):
    """Nobody answers at this URL."""


class RefusedError(ClientError):
    """The extender answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class GarbledError(ClientError):
    """Whatever answers there is no extender."""


@dataclass(frozen=True)
class Answer:
    """What one replica said: a body, or the error that came instead."""

    url: str
    address: str
    body: dict[str, Any] | None = None
    error: ClientError | None = None

    @property
    def where(self) -> str:
        """The replica, for people."""
        return f"{self.url} ({self.address})" if self.address and self.address not in self.url else self.url


async def ask(
    url: str, path: str, body: dict[str, Any] | None = None, *, resolver: AbstractResolver | None = None
) -> dict[str, Any]:
    """GET a path, or POST a body to it; raises ClientError. With a resolver, the connection goes where that says."""
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False) if resolver else None
    method = "GET" if body is None else "POST"
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session,
            session.request(method, url + path, json=body) as response,
        ):
            return _opened(response.status, await _json(response))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as e:
        raise UnreachableError(_why(e)) from e


async def _json(response: aiohttp.ClientResponse) -> Any:
    with suppress(ValueError, aiohttp.ContentTypeError):
        return await response.json()
    return None


def _opened(status: int, body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise GarbledError(f"HTTP {status} without a JSON object")
    if status != 200:
        raise RefusedError(status, str(body.get("error", f"HTTP {status}")))
    return body


def _why(error: Exception) -> str:
    """The system's own words where there are any: aiohttp's repeat the address."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    cause = getattr(error, "os_error", None) or error
    number = getattr(cause, "errno", None)
    if isinstance(number, int) and number in errno.errorcode:
        return os.strerror(number)
    return getattr(cause, "strerror", None) or str(cause) or type(error).__name__


async def ask_all(urls: Sequence[str], path: str, resolve: Resolve = system_resolve) -> list[Answer]:
    """Ask every address behind every URL; a name's addresses of the family that nobody serves do not count."""
    found = await asyncio.gather(*(_ask_host(url, path, resolve) for url in dict.fromkeys(urls)))
    return [answer for answers in found for answer in answers]


async def _ask_host(url: str, path: str, resolve: Resolve) -> list[Answer]:
    base = URL(url)
    host, port = base.host or "", base.port or _DEFAULT_PORTS[base.scheme]
    try:
        addresses = await resolve(host, port)
    except (OSError, UnicodeError) as e:
        return [Answer(url, "", error=UnreachableError(f"{host} does not resolve: {_why(e)}"))]
    replicas = [Replica(base, family, address) for family, address in addresses]
    answers = await asyncio.gather(*(_ask_replica(url, replica, path) for replica in replicas))
    served = {r.family for r, a in zip(replicas, answers, strict=True) if not isinstance(a.error, UnreachableError)}
    return [a for r, a in zip(replicas, answers, strict=True) if r.family in served or not served]


async def _ask_replica(url: str, replica: Replica, path: str) -> Answer:
    try:
        body = await ask(url, path, resolver=PinnedResolver(replica))
    except ClientError as e:
        return Answer(url, replica.address, error=e)
    return Answer(url, replica.address, body)
