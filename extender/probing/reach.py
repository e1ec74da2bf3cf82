"""Where each node answers probes: what its prober reported, else what the cluster says."""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from extender.cluster.base import NodeInfo
from extender.probing.plan import ReportsItself
from prober.wire import Addresses, Target

__all__ = ["Reach"]


class _Way(NamedTuple):
    """How a prober probes: over which IP versions, and whether by UDP."""

    families: tuple[int, ...]
    by_udp: bool


@dataclass(slots=True)
class _Place:
    """A node's addresses by IP version, and the node as a target, by how it is probed and whether in a burst."""

    said: Addresses | None
    nominal: tuple[str, ...]
    mode: str
    addresses: dict[int, str]
    targets: dict[tuple[_Way, bool], Target | None] = field(default_factory=dict)


class Reach:
    """Addresses as last seen. `families` are the IP versions that probes may use, the preferred one first."""

    def __init__(self, nodes: Callable[[], Mapping[str, NodeInfo]], families: tuple[int, ...]) -> None:
        self._nodes, self._families = nodes, families
        self._places: dict[str, _Place] = {}

    def heard(self, node: str, record: ReportsItself | None) -> bool:
        """Take what a prober last said of itself; returns whether that changes anybody's targets."""
        info = self._nodes().get(node)
        nominal = info.addresses if info is not None else ()
        said = record.addresses if record is not None else None
        mode = record.condition.mode if record is not None else ""
        known = self._places.get(node)
        if known is not None and (known.nominal, known.mode, known.said) == (nominal, mode, said):
            return False
        self._places[node] = _Place(said, nominal, mode, _addresses(said, nominal))
        return True

    def retain(self) -> None:
        """Drop the nodes that are gone, and those whose addresses the cluster has changed."""
        nodes = self._nodes()
        for node, place in list(self._places.items()):
            if node not in nodes or nodes[node].addresses != place.nominal:
                del self._places[node]

    def targets(
        self, source: str, nodes: Iterable[str], bursts: Container[str], reporters: Mapping[str, ReportsItself]
    ) -> list[Target]:
        """How the source probes these nodes, in a burst where asked; without those that it cannot probe."""
        own = self._place(source, reporters)
        way = _Way(tuple(f for f in self._families if f in own.addresses or not own.addresses), own.mode == "udp")
        found: list[Target] = []
        for node in nodes:
            there = self._places.get(node) or self._place(node, reporters)
            key = (way, node in bursts)
            if key not in there.targets:
                there.targets[key] = _target(node, there, *key)
            if (target := there.targets[key]) is not None:
                found.append(target)
        return found

    def _place(self, node: str, reporters: Mapping[str, ReportsItself]) -> _Place:
        if node not in self._places:
            self.heard(node, reporters.get(node))
        return self._places[node]


def _target(node: str, there: _Place, way: _Way, burst: bool) -> Target | None:
    """The node as a target; None without a common address family, or where it has not said where its echo listens.

    Such an echo would only be missed, and count as losses.
    """
    family = next((f for f in way.families if f in there.addresses), None)
    port = there.said.udp_port if there.said is not None else 0
    if family is None or (way.by_udp and not port):
        return None
    return Target(node=node, address=there.addresses[family], burst=burst, udp_port=port)


def _addresses(said: Addresses | None, nominal: Iterable[str]) -> dict[int, str]:
    """By IP version: what the prober reported, else what the cluster says."""
    if said is not None and (found := {v: a for v, a in ((4, said.ipv4), (6, said.ipv6)) if a}):
        return found
    by_version: dict[int, str] = {}
    for address in nominal:
        by_version.setdefault(6 if ":" in address else 4, address)
    return by_version
