"""A cluster of many nodes, with what an extender knows of their probers."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from extender.cluster.base import NodeInfo
from prober.wire import Addresses, SelfReport

START = 1_000.0


def names_of(count: int) -> list[str]:
    return [f"node-{i}" for i in range(count)]


def address_of(name: str) -> str:
    i = int(name.rpartition("-")[2])
    return f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}"


@dataclass
class Record:
    """What a prober said of itself."""

    addresses: Addresses
    condition: SelfReport = field(default_factory=lambda: SelfReport(mode="dgram"))


class Village:
    """As much of a cluster as probing asks for."""

    def __init__(self, names: Iterable[str]) -> None:
        self.nodes = {name: NodeInfo(name, (address_of(name),)) for name in names}
        self.nodes_version = 0
        self.synced = True

    def put(self, *infos: NodeInfo) -> None:
        self.nodes |= {info.name: info for info in infos}
        self.nodes_version += 1

    def drop(self, *names: str) -> None:
        for name in names:
            del self.nodes[name]
        self.nodes_version += 1


@dataclass
class Time:
    """Monotonic seconds, and the time of day with another origin."""

    now: float = START
    offset: float = 1_700_000_000.0

    def wall(self) -> float:
        return self.now + self.offset
