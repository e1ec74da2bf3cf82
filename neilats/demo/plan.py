"""What the demo plays with: its nodes and where they live, the promise that its pods ask for, and its timing."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

__all__ = ["ADDRESSES", "EXTENDER_ADDRESS", "INTERVAL_S", "PEER", "Plan"]

PEER: Final = "gateway"

ADDRESSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        PEER: "127.0.77.11",
        "node-1": "127.0.77.12",
        "node-2": "127.0.77.13",
        "node-3": "127.0.77.14",
        "node-4": "127.0.77.15",
    }
)
"""Every node and its address. All of 127.0.0.0/8 is this host, so no interface has to be configured."""

EXTENDER_ADDRESS: Final = "127.0.0.1"
"""With the default port, `neilats score` and `explain` find it without being told."""

INTERVAL_S: Final = 1.0
"""Seconds between two samples of a path; one slice of the trace lasts as long."""


@dataclass(frozen=True)
class Plan:
    """The story's numbers."""

    sla_ms: float = 160.0
    decide_every_s: float = 2.0
    calm_decisions: int = 3
    """Decisions before the link worsens."""
    extra_ms: float = 300.0
    """What the link to the chosen node gets on top."""
    once: bool = False
    forever: bool = False
    limit_s: float = 60.0

    @property
    def candidates(self) -> tuple[str, ...]:
        """The nodes between which the scheduler chooses."""
        return tuple(name for name in ADDRESSES if name != PEER)
