"""The probers' lists: composed when something changed for one of them, and else remembered."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from extender.cluster.base import Cluster
from extender.probing.census import Census
from extender.probing.hot import HotPeers
from extender.probing.leftovers import let_go
from extender.probing.limits import Limits
from extender.probing.pairs import Pairs
from extender.probing.plan import HOT_S, Kind, Plan, ReportsItself
from extender.probing.reach import Reach
from extender.probing.singles import Singles
from extender.probing.symmetry import Symmetry
from extender.windows import WindowStore

__all__ = ["Probing"]

TURN_INTERVALS: Final = 6
"""How long a turn of peers that share a place lasts: a burst, and some regular samples."""

SILENT_INTERVALS: Final = 6
SILENT_S: Final = 60.0
"""A prober that has not reported for so many intervals, and for so long, is silent."""

SYNC_S: Final = 1.0
"""Least time between two looks at all nodes of a large cluster while nodes come and go."""

_FAMILIES: Final = {"ipv4": (4,), "ipv6": (6,), "auto": (4, 6)}


@dataclass(slots=True)
class _Known:
    """A list as it was made: good until a time, and while nothing has changed for all."""

    plan: Plan
    changes: int
    until: float


class Probing:
    """Target lists. `wall` is the time of day in s: with it the replicas of an extender take turns together."""

    def __init__(
        self,
        cluster: Cluster,
        interval_s: float,
        ip_family: str,
        store: WindowStore | None = None,
        limits: Limits | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._cluster, self._store, self._wall = cluster, store, wall
        self.interval_s, self.limits = interval_s, limits or Limits()
        turns = self.limits.window_slots // TURN_INTERVALS
        hot_for_s, turn_s = self.limits.hot_for_s, TURN_INTERVALS * interval_s
        self.hot = HotPeers(self.limits.hot_places, hot_for_s=hot_for_s, turn_s=turn_s, turns=turns)
        self.pairs = Pairs(self.limits.rings, interval_s, Symmetry(store) if store is not None else None, wall)
        most = max(self.limits.budget, self.limits.mesh_nodes)
        self.wanted = Singles(most, self._changed_for)
        self.placed = Singles(most, self._changed_for)
        self._silent_s = max(SILENT_S, SILENT_INTERVALS * interval_s)
        self.census = Census(store, self.limits.fresh_for_s, self._silent_s)
        self._reach = Reach(lambda: cluster.nodes, _FAMILIES[ip_family])
        self._heard: dict[str, float] = {}
        self._known: dict[str, _Known] = {}
        self._changes = 0
        self._nodes_version = -1
        self._synced_at = self._scan_at = -math.inf
        self.mesh = True
        """Whether the cluster is so small that every node measures all others."""

    # -- what is asked for -----------------------------------------------------------------------------------------

    def asked(self, peer: str, now: float) -> None:
        """A pod named this peer just now, or a service's endpoint lives there: all nodes shall measure it."""
        if peer in self._cluster.nodes and self.hot.asked(peer, now):
            self._place(now)

    def want(self, source: str, target: str, now: float) -> None:
        """Ask a source for quick samples of its path to the target; names that are no nodes are left out.

        So is a hot peer that has just got its place, as whoever measures it begins with a burst; and the way back from
        any hot peer, which would have to measure all nodes.
        """
        nodes = self._cluster.nodes
        if not self.mesh and (now - self.hot.since(target) < HOT_S or self._measured_by(target, source)):
            return
        if source in nodes and target in nodes and source != target:
            self.wanted.name(source, target, now, HOT_S)

    def watch(self, peer: str, sources: Iterable[str], now: float) -> None:
        """Pods on these nodes were promised something about the peer; to be said again every `promise_check_s`.

        The peer measures the nodes that have no prober, or one that is silent.
        """
        if self.mesh or peer not in self._cluster.nodes:
            return
        kept_s = 3 * self.limits.promise_check_s + HOT_S
        for source in sources:
            if source != peer and source in self._cluster.nodes:
                able = source in self.pairs and source not in self.pairs.silent
                self.placed.name(*(source, peer) if able else (peer, source), now, kept_s)

    def tidy(self, now: float) -> None:
        """Forget what sources were asked for that never came to fetch it."""
        self.wanted.tidy(now)
        self.placed.tidy(now)

    # -- the lists -------------------------------------------------------------------------------------------------

    def plan(self, source: str, reporters: Mapping[str, ReportsItself], now: float) -> Plan:
        """What the source shall probe now, in the order of the nodes' names, or in a mesh in that of the nodes."""
        self._heard[source] = now
        self._tick(now)
        if self._reach.heard(source, reporters.get(source)):
            self._changes += 1
        known = self._known.get(source)
        if known is None or known.changes != self._changes or now >= known.until:
            known = self._known[source] = self._made(source, reporters, now, known)
        for looked in self.census.look(source, (t.node for t in known.plan.targets), now):
            self._let_go(looked, now)
        return known.plan

    def _let_go(self, source: str, now: float) -> None:
        """Drop what the source no longer measures."""
        if self._store is not None and not self.mesh and (known := self._known.get(source)) is not None:
            listed = {t.node for t in known.plan.targets}
            let_go(self._store, source, listed, now, self.limits.window_slots * self.interval_s)

    def _made(self, source: str, reporters: Mapping[str, ReportsItself], now: float, before: _Known | None) -> _Known:
        wanted = self.wanted.of(source, now)
        kinds, until = self._all(source) if self.mesh else self._chosen(source, wanted, now)
        names = kinds if self.mesh else sorted(kinds)
        targets = self._reach.targets(source, names, wanted, reporters)
        self.census.listed(source, [kinds[t.node] for t in targets], now)
        same = before is not None and before.plan.targets == targets
        plan = before.plan if before is not None and same else Plan.of(targets)
        return _Known(plan, self._changes, min([until, *wanted.values()]))

    def _all(self, source: str) -> tuple[dict[str, Kind], float]:
        return {name: Kind.MESH for name in self._cluster.nodes if name != source}, math.inf

    def _chosen(self, source: str, wanted: Mapping[str, float], now: float) -> tuple[dict[str, Kind], float]:
        """Within the budget: what pods wait for, neighbours, hot peers, and what placed pods were promised."""
        neighbours, until = self.pairs.of(source, now)
        nodes, budget, placed = self._cluster.nodes, self.limits.budget, self.placed.of(source, now)
        first = [name for name in wanted if name in nodes]
        kinds = dict.fromkeys(first[: max(budget - len(neighbours), 0)], Kind.WANTED)
        hot = dict.fromkeys((*self.hot.fixed, *self.hot.turning), Kind.HOT)
        for found in (neighbours, hot):
            for name, kind in found.items():
                if len(kinds) < budget and name != source and name in nodes:
                    kinds.setdefault(name, kind)
        left, room = sorted(name for name in placed if name not in kinds and name in nodes), budget - len(kinds)
        if len(left) > room:  # they take turns
            turn_s = TURN_INTERVALS * self.interval_s
            turn, passed_s = divmod(self._wall(), turn_s)
            left = _from(left, int(turn) * room, room)
            until = min(until, now + turn_s - passed_s)
        return kinds | dict.fromkeys(left, Kind.PLACED), min([until, *placed.values()])

    # -- what changes them -----------------------------------------------------------------------------------------

    def _measured_by(self, node: str, peer: str) -> bool:
        """Whether the node measures this peer as it does all hot ones."""
        return peer in self.hot and node not in self.hot and node in self.pairs and node not in self.pairs.silent

    def _changed_for(self, source: str) -> None:
        if (known := self._known.get(source)) is not None:
            known.until = -math.inf

    def _tick(self, now: float) -> None:
        version = self._cluster.nodes_version
        if version != self._nodes_version and (self.mesh or now - self._synced_at >= SYNC_S):
            self._nodes_version, self._synced_at = version, now
            self._sync()
        if not self.mesh and now >= self._scan_at:
            self._scan_at = now + self.interval_s
            self._scan(now)
        self._place(now)

    def _place(self, now: float) -> None:
        """Give the hot peers their places."""
        if self.hot.tick(now, self._wall(), self._cluster.nodes) and not self.mesh:
            self._changes += 1

    def _sync(self) -> None:
        """Take the nodes as they are now."""
        nodes = self._cluster.nodes
        self.mesh = len(nodes) <= self.limits.mesh_nodes
        self.pairs.update(nodes)
        gone = [name for name in self._heard if name not in nodes]
        for name in gone:
            del self._heard[name]
            self._known.pop(name, None)
            self.census.forget(name)
        self._reach.retain()
        self.wanted.forget(gone)
        self.placed.forget(gone)
        self.hot.again()
        self._changes += 1

    def _scan(self, now: float) -> None:
        """Find the nodes that are no longer ready, and the probers that report no more.

        A prober that never did has as long from when it was first missed.
        """
        self._changes += self.pairs.update(self._cluster.nodes)
        since = now - self._silent_s
        silent = frozenset(name for name in self.pairs.members() if self._heard.setdefault(name, now) < since)
        self._changes += self.pairs.listen(silent)


def _from(names: list[str], first: int, count: int) -> list[str]:
    """So many of the names from one on, over the end to the beginning."""
    start = first % len(names)
    return [*names[start:], *names[:start]][:count]
