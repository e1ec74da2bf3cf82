"""Who may write which node's row, judged by where a report comes from.

Until reports carry an identity of their own, the network address is what there is: a report for a node must come from
an address of that node or from its pod network. Where the cluster tells neither, the address that writes first keeps
the row until it has been silent for a while.
"""

import ipaddress
from collections.abc import Sequence

from extender.cluster.base import NodeInfo
from extender.errors import Refused

__all__ = ["RowOwners"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class RowOwners:
    """Admits or refuses reports by source address; `trusted` networks may write any row."""

    def __init__(self, trusted: Sequence[str], silence_s: float) -> None:
        self._trusted = [ipaddress.ip_network(n, strict=False) for n in trusted]
        self._silence_s = silence_s
        self._claims: dict[str, tuple[Address, float]] = {}

    def check(self, node: NodeInfo, remote: str, now: float) -> None:
        """Raise Refused unless this address may write the node's row now."""
        address = _address(remote)
        if any(address in network for network in self._trusted):
            return
        if node.addresses or node.pod_cidrs:
            if not _belongs(address, node):
                known = ", ".join([*node.addresses, *node.pod_cidrs])
                raise Refused(f"{remote} may not write the row of node {node.name}, whose addresses are {known}")
            return
        self._claim(node.name, address, now)

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


def _belongs(address: Address, node: NodeInfo) -> bool:
    if any(str(address) == str(_address(a)) for a in node.addresses):
        return True
    return any(address in ipaddress.ip_network(c, strict=False) for c in node.pod_cidrs)
