"""IP addresses as callers have them, and the networks that the settings name."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

__all__ = ["Address", "Network", "Networks", "read_address"]

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(16_384)  # each prober sends many reports
def read_address(text: str) -> Address | None:
    """A peer's address without its zone, an IPv4 one that is mapped into IPv6 as itself; None if it is none."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class Networks:
    """A few networks in CIDR notation."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(n, strict=False) for n in networks]

    def __contains__(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)
