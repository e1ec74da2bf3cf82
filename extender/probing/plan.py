"""A prober's list, and why each target is in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Final, Protocol

from prober.wire import Addresses, SelfReport, Target

__all__ = ["HOT_S", "Kind", "Plan", "ReportsItself"]

HOT_S: Final = 30.0
"""How long a path that was asked for is probed in bursts: the measuring grace and one report's delay."""


class Kind(StrEnum):
    """Why a node measures another one; of several reasons the first one here counts."""

    WANTED = "wanted"
    """A pod waits for this very path."""
    NEIGHBOUR = "neighbour"
    """A pair of the overlay, measured by this end."""
    SPOT_CHECK = "spot_check"
    """A pair of the overlay whose other end measures it, looked at from this end for once."""
    ASYMMETRIC = "asymmetric"
    """A pair of the overlay whose two directions differ."""
    HOT = "hot"
    """Pods have asked for this peer lately."""
    PLACED = "placed"
    """A pod on the node was promised something about this peer."""
    MESH = "mesh"
    """The cluster is small: every node measures all others."""


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
    bursts: bool = False
    """Whether any of them is to be probed in a burst, because a pod waits for it."""

    @classmethod
    def of(cls, targets: Sequence[Target]) -> "Plan":
        """The plan of these targets; the same ones in the same order always have the same version."""
        said = "\n".join(f"{t.node} {t.address} {t.burst:d} {t.udp_port}" for t in targets)
        version = blake2b(said.encode(), digest_size=8).hexdigest()
        return cls(version, list(targets), any(t.burst for t in targets))
