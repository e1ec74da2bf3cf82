"""What each prober is told to measure: every other node, and in a burst those that a pod waits for."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Protocol

from extender.cluster.base import Cluster, NodeInfo
from prober.wire import Addresses, SelfReport, Target

__all__ = ["HOT_S", "Plan", "Probing", "ReportsItself"]

HOT_S: Final = 30.0
"""How long a path that was asked for is probed in bursts: the measuring grace and one report's delay."""


class ReportsItself(Protocol):
    """A prober's record as far as its probes go."""

    @property
    def addresses(self) -> Addresses:
        """Where that prober answers."""

    @property
    def condition(self) -> SelfReport:
        """How that prober probes."""


@dataclass(frozen=True)
class Plan:
    """What a source shall probe; `version` names this very list, so that it need not travel twice."""

    version: str
    targets: list[Target]


class Probing:
    """Target lists; addresses come from the probers' own reports, else from the nodes."""

    def __init__(self, cluster: Cluster, interval_s: float, ip_family: str) -> None:
        self._cluster = cluster
        self.interval_s = interval_s
        self._families = {"ipv4": (4,), "ipv6": (6,), "auto": (4, 6)}[ip_family]
        self._hot: dict[str, dict[str, float]] = {}

    def want(self, source: str, target: str, now: float) -> None:
        """Ask a source for quick samples of its path to the target; names that are no nodes are left out."""
        if source in self._cluster.nodes and target in self._cluster.nodes:
            self._hot.setdefault(source, {})[target] = now + HOT_S

    def tidy(self, now: float) -> None:
        """Forget what sources were asked for that never came to fetch it."""
        for source in list(self._hot):
            self._still_hot(source, now)

    def plan(self, source: str, reporters: Mapping[str, ReportsItself], now: float) -> Plan:
        """What the source shall probe now, in the order of the nodes."""
        targets = self._targets(source, reporters, now)
        said = "\n".join(f"{t.node} {t.address} {t.burst:d} {t.udp_port}" for t in targets)
        return Plan(blake2b(said.encode(), digest_size=8).hexdigest(), targets)

    def _targets(self, source: str, reporters: Mapping[str, ReportsItself], now: float) -> list[Target]:
        hot = self._still_hot(source, now)
        own = self._reach(source, reporters)
        by_udp = source in reporters and reporters[source].condition.mode == "udp"
        found = []
        for name in self._cluster.nodes:
            there = self._reach(name, reporters)
            family = next((f for f in self._families if f in there and (f in own or not own)), None)
            port = reporters[name].addresses.udp_port if name in reporters else 0
            # An echo that has not said where it listens would only be missed, and count as losses.
            if name == source or family is None or (by_udp and not port):
                continue
            found.append(Target(node=name, address=there[family], burst=name in hot, udp_port=port))
        return found

    def _reach(self, name: str, reporters: Mapping[str, ReportsItself]) -> dict[int, str]:
        """A node's address by IP version: what its prober reported, else what the cluster says."""
        if name in reporters:
            said = reporters[name].addresses
            found = {v: a for v, a in ((4, said.ipv4), (6, said.ipv6)) if a}
            if found:
                return found
        return _families(self._cluster.nodes[name])

    def _still_hot(self, source: str, now: float) -> dict[str, float]:
        hot = {t: until for t, until in self._hot.pop(source, {}).items() if until > now}
        if hot:
            self._hot[source] = hot
        return hot


def _families(node: NodeInfo) -> dict[int, str]:
    found: dict[int, str] = {}
    for address in node.addresses:
        found.setdefault(6 if ":" in address else 4, address)
    return found
