"""Who may write which node's row, judged by where a report comes from.

Until reports carry an identity of their own, the network address is what there is. An address that belongs to a node,
or to a node's pod network, may write that node's row and no other. Of an address that the cluster knows nothing about
(pod networks need not follow the nodes' ranges) the row keeps the first writer until that has been silent for a while.
"""

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias

from extender.cluster.base import Cluster
from extender.errors import Refused

__all__ = ["RowOwners"]

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class RowOwners:
    """Admits or refuses reports by source address; `trusted` networks may write any row."""

    def __init__(self, cluster: Cluster, trusted: Sequence[str], silence_s: float) -> None:
        self._cluster = cluster
        self._trusted = [ipaddress.ip_network(n, strict=False) for n in trusted]
        self._silence_s = silence_s
        self._claims: dict[str, tuple[Address, float]] = {}
        self._homes: dict[Network, str] = {}
        self._prefixes: set[tuple[int, int]] = set()
        self._version: int | None = None

    def check(self, node: str, remote: str, now: float) -> None:
        """Raise Refused unless this address may write the node's row now."""
        address = _address(remote)
        if any(address in network for network in self._trusted):
            return
        home = self._home(address)
        if home is None:
            self._claim(node, address, now)
        elif home != node:
            raise Refused(
                f"{remote} belongs to node {home} and may not write the row of node {node}; check the prober's "
                "node_name, or add the network of the proxy or NAT that it comes through to trusted_reporters"
            )

    def _home(self, address: Address) -> str | None:
        """The node that the address belongs to, by its own addresses before pod ranges."""
        if self._version != self._cluster.nodes_version:
            self._index()
        for version, prefix in sorted(self._prefixes, reverse=True):
            if version == address.version:
                home = self._homes.get(ipaddress.ip_network((address, prefix), strict=False))
                if home is not None:
                    return home
        return None

    def _index(self) -> None:
        """Every node's addresses and pod ranges as networks; looked up by prefix length, not one by one."""
        self._version = self._cluster.nodes_version
        self._homes = {
            ipaddress.ip_network(place, strict=False): name
            for name, node in self._cluster.nodes.items()
            for place in (*node.pod_cidrs, *node.addresses)
        }
        self._prefixes = {(n.version, n.prefixlen) for n in self._homes}

    def _claim(self, name: str, address: Address, now: float) -> None:
        owner, seen = self._claims.get(name, (address, now))
        if owner != address and now - seen < self._silence_s:
            raise Refused(f"{address} may not write the row of node {name}: {owner} wrote it {now - seen:.0f} s ago")
        self._claims[name] = (address, now)

    def forget(self, node: str) -> None:
        """Drop what is known of a node that is gone."""
        self._claims.pop(node, None)


def _address(remote: str) -> Address:
    try:
        address = ipaddress.ip_address(remote.split("%")[0])
    except ValueError:
        raise Refused(f"the report's source address {remote!r} cannot be read") from None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
