"""Whom to probe: the union of what the extender replicas ask for. Pure: times come in as monotonic seconds."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from prober.wire import Target

__all__ = ["SILENT_S", "Goal", "TargetTable"]

SILENT_S: Final = 600.0
"""A replica that is silent this long after another's latest reply no longer counts."""


class Goal(NamedTuple):
    """Where a node answers; port 0 is the default."""

    address: str
    port: int


@dataclass
class _Wish:
    at: float
    targets: list[Target] = field(default_factory=list)
    interval_s: float = 0.0
    version: str = ""


class TargetTable:
    """Each replica's latest list. Without any reply the last lists stay: the prober goes on without an extender."""

    def __init__(self, own: str, max_targets: int) -> None:
        self._own = own
        self._max = max_targets
        self._wishes: dict[str, _Wish] = {}
        self._goals: dict[str, Goal] = {}
        self.bad = 0
        """Targets of the current lists without a usable IP address."""
        self.beyond = 0
        """Targets of the current lists above the limit."""

    @property
    def goals(self) -> dict[str, Goal]:
        """Node name to where it answers."""
        return self._goals

    def version(self, replica: str) -> str:
        """What the replica calls its list that is held; empty without one."""
        wish = self._wishes.get(replica)
        return wish.version if wish else ""

    def list_of(self, replica: str) -> Sequence[Target]:
        """The replica's latest list; empty without one."""
        wish = self._wishes.get(replica)
        return wish.targets if wish else []

    def update(
        self, replica: str, targets: Sequence[Target] | None, interval_s: float, now: float, version: str = ""
    ) -> bool:
        """Take a replica's reply; returns whether the goals may have changed.

        Without targets its list stays as it is; where none is held any more, the next report will name none.
        """
        before = self._wishes.get(replica)
        if targets is None:
            targets, version = (before.targets, before.version) if before else ([], "")
        fresh = _Wish(now, list(targets), interval_s, version)
        self._wishes[replica] = fresh
        dropped = self._drop_silent(now)
        if before is not None and before.targets == fresh.targets and not dropped:
            return False
        self._merge()
        return True

    def bursts(self, targets: Sequence[Target]) -> list[str]:
        """Those of a reply's targets that shall be probed in a burst."""
        return [t.node for t in targets if t.burst and t.node in self._goals]

    def interval_s(self) -> float | None:
        """The smallest interval asked for; None before the first reply."""
        return min((w.interval_s for w in self._wishes.values()), default=None)

    def _drop_silent(self, now: float) -> bool:
        silent = [r for r, wish in self._wishes.items() if now - wish.at > SILENT_S]
        for replica in silent:
            del self._wishes[replica]
        return bool(silent)

    def _merge(self) -> None:
        """Later replies win where two replicas name different addresses."""
        self.bad = 0
        merged: dict[str, Goal] = {}
        for wish in sorted(self._wishes.values(), key=lambda w: w.at):
            for target in wish.targets:
                if target.node == self._own:
                    continue
                address = _usable(target.address)
                if address is None:
                    self.bad += 1
                else:
                    merged[target.node] = Goal(address, target.udp_port)
        self.beyond = max(0, len(merged) - self._max)
        self._goals = dict(sorted(merged.items())[: self._max])


def _usable(text: str) -> str | None:
    """The address in its usual form, None if no single host can have it."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    address = mapped or address
    if address.is_unspecified or address.is_multicast or str(address) == "255.255.255.255":
        return None
    return str(address)
