"""Which extender replicas there are: every address behind each configured URL, resolved again and again."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

__all__ = ["PinnedResolver", "Replica", "Resolve", "addresses_of", "replicas_of", "same_family", "system_resolve"]

Resolve = Callable[[str, int], Awaitable[Sequence[tuple[int, str]]]]
"""Host and port to (address family, address) pairs; raises OSError."""


class Replica(NamedTuple):
    """One address behind a URL; the URL's host stays the name in the Host header and for TLS."""

    url: URL
    family: int
    address: str

    @property
    def name(self) -> str:
        """For logs and as the key of this replica's acknowledgements."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.url.scheme}://{host}:{self.url.port}"


async def system_resolve(host: str, port: int) -> list[tuple[int, str]]:
    """Every address of the host, in the system's order of preference, each once."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port)
    return list(dict.fromkeys((int(family), str(sockaddr[0])) for family, _, _, _, sockaddr in found))


async def addresses_of(url: str, resolve: Resolve) -> list[Replica]:
    """Every address behind a base URL (http or https); raises OSError when its name does not resolve."""
    base = URL(url)
    return [Replica(base, family, address) for family, address in await resolve(base.host or "", base.port or 0)]


async def replicas_of(url: str, resolve: Resolve) -> list[Replica]:
    """The replicas behind a base URL; raises OSError when its name does not resolve.

    Only one family counts: with both, each dual-stack replica would be met twice, and its two connections would
    disturb each other's report numbers. IPv4 goes first, because that is where an extender listens by default
    (`localhost` often resolves to ::1 first).
    """
    found = await addresses_of(url, resolve)
    return [replica for replica in found if ":" not in replica.address] or found


class PinnedResolver(AbstractResolver):
    """Resolves every name to one replica's address, so that a connection reaches just this one."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        """The replica's address, whatever the name."""
        return [
            ResolveResult(
                hostname=host, host=self._replica.address, port=port, family=self._replica.family, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


def same_family(address: str, other: str) -> bool:
    """Whether two IP addresses are of one family."""
    return ipaddress.ip_address(address.partition("%")[0]).version == ipaddress.ip_address(other).version
