"""Asks extenders: one by its URL, or every replica behind the names of several."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver

from neilats.commands.access import NOTHING, Access
from neilats.commands.errors import ClientError, GarbledError, RefusedError, UnreachableError, failure
from prober.replicas import PinnedResolver, Replica, Resolve, addresses_of, system_resolve

__all__ = ["Answer", "ask", "ask_all", "failed"]

TIMEOUT: Final = aiohttp.ClientTimeout(total=15, connect=4)


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
    url: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    access: Access = NOTHING,
    resolver: AbstractResolver | None = None,
) -> dict[str, Any]:
    """GET a path, or POST a body to it; raises ClientError.

    With a resolver the connection goes where that says; the certificate is verified by the URL's host all the same.
    """
    tls = access.tls() or True
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False) if resolver else None
    method = "GET" if body is None else "POST"
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=TIMEOUT, headers=access.headers) as session,
            session.request(method, url + path, json=body, ssl=tls) as response,
        ):
            return _opened(response.status, await _json(response))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as e:
        raise failed(e) from e


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


def failed(error: Exception) -> ClientError:
    """What an error of aiohttp's means; what lies below it says it without repeating the address."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return failure(ConnectionResetError())
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return failure(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        return failure(error.os_error)
    cause = error.__cause__
    return failure(cause if isinstance(cause, OSError) else error)


async def ask_all(
    urls: Sequence[str], path: str, resolve: Resolve = system_resolve, *, access: Access = NOTHING
) -> list[Answer]:
    """Ask every address behind every URL; a name's addresses of the family that nobody serves do not count."""
    found = await asyncio.gather(*(_ask_host(url, path, resolve, access) for url in dict.fromkeys(urls)))
    return [answer for answers in found for answer in answers]


async def _ask_host(url: str, path: str, resolve: Resolve, access: Access) -> list[Answer]:
    try:
        replicas = await addresses_of(url, resolve)
    except (OSError, UnicodeError) as e:
        return [Answer(url, "", error=UnreachableError(f"{urlsplit(url).hostname} does not resolve: {failure(e)}"))]
    answers = await asyncio.gather(*(_ask_replica(url, replica, path, access) for replica in replicas))
    served = {r.family for r, a in zip(replicas, answers, strict=True) if not isinstance(a.error, UnreachableError)}
    return [a for r, a in zip(replicas, answers, strict=True) if r.family in served or not served]


async def _ask_replica(url: str, replica: Replica, path: str, access: Access) -> Answer:
    try:
        body = await ask(url, path, access=access, resolver=PinnedResolver(replica))
    except ClientError as e:
        return Answer(url, replica.address, error=e)
    return Answer(url, replica.address, body)
