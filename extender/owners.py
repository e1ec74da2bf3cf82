"""Who may write which node's row, judged by the token that came with a report or by where the report comes from.

A token says on which node its pod runs, and that settles it. Without tokens the network address is what there is. An
address that belongs to a node, or to a node's pod network, may write that node's row and no other. An address that the
cluster knows nothing about (pod networks need not follow the nodes' ranges) may write a row that nobody else wrote for
a while; the node's own addresses take it back at any time.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from extender.cluster.base import Cluster
from extender.errors import Refused
from extender.networks import Address, Network, Networks, read_address

__all__ = ["Owners", "RowOwners", "Sender", "TokenOwners"]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends a report: the address that it comes from and, where reports carry tokens, the node of the token."""

    address: str
    node: str = ""


class Owners(Protocol):
    """A rule of who may write which row."""

    def check(self, node: str, sender: Sender, now: float) -> None:
        """Raise Refused unless this sender may write the node's row now (monotonic s)."""

    def forget(self, node: str) -> None:
        """Drop what is known of a node that is gone."""


class TokenOwners:
    """A sender writes the row of its token's node, wherever it sends from."""

    def check(self, node: str, sender: Sender, now: float) -> None:
        """Raise Refused for any other row."""
        if sender.node != node:
            raise Refused(
                f"the token belongs to a pod on node {sender.node} and may not write the row of node {node}; check "
                "the prober's node_name"
            )

    def forget(self, node: str) -> None:
        """Nothing is remembered here."""


class RowOwners:
    """Admits or refuses reports by source address; `trusted` networks may write any row."""

    def __init__(self, cluster: Cluster, trusted: Sequence[str], silence_s: float) -> None:
        self._cluster = cluster
        self._trusted = Networks(trusted)
        self._silence_s = silence_s
        self._claims: dict[str, tuple[Address, float]] = {}
        self._homes: dict[Network, str] = {}
        self._prefixes: set[tuple[int, int]] = set()
        self._version: int | None = None

    def check(self, node: str, sender: Sender, now: float) -> None:
        """Raise Refused unless this address may write the node's row now."""
        remote = sender.address
        if (address := read_address(remote)) is None:
            raise Refused(f"the report's source address {remote!r} cannot be read")
        if address in self._trusted:
            return
        home = self._home(address)
        if home == node:
            self._claims[node] = (address, now)
        elif home is None:
            self._claim(node, address, now)
        else:
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
        """Let an address that the cluster knows nothing about write, unless another one is not silent."""
        owner, seen = self._claims.get(name, (address, now))
        if owner != address and now - seen < self._silence_s:
            raise Refused(
                f"{address} belongs to no known node and may not write the row of node {name}: {owner} wrote it "
                f"{now - seen:.0f} s ago; if both are its prober's, use tokens (report_auth) or trusted_reporters"
            )
        self._claims[name] = (address, now)

    def forget(self, node: str) -> None:
        """Drop what is known of a node that is gone."""
        self._claims.pop(node, None)
