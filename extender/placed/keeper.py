"""Looks at the promise of every placed pod now and then, counts how they stand, and has people told of changes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final, Protocol

from extender.cluster.base import Cluster
from extender.cluster.watches import IDLE_S
from extender.events.lease import DURATION_S, RETRY_S
from extender.metrics import Metrics
from extender.placed.judging import Gather, findings, invalid, without_peers
from extender.placed.standing import STATES, Finding, Standing
from extender.placed.table import Group, Placed, PlacedTable
from neilats.log import get_logger

__all__ = ["Keeper", "Listener"]

log = get_logger("extender.placed")

SLICE_S, REST_S = 0.002, 0.006
"""How long a look works at a time, and how long it then rests: webhooks go first, and there is a quarter of a core."""

PATHS_AT_ONCE: Final = 1000
MOST_AT_ONCE: Final = 200
"""Paths and pods that are judged without a pause."""

LONGEST_PERIOD_S: Final = IDLE_S / 2
"""Looking more seldom would let the peers' watches end between two looks."""

TAKE_OVER_S: Final = DURATION_S + RETRY_S
"""Longest time in which nobody speaks because the replica whose turn it was has died."""


class Listener(Protocol):
    """Who tells people, while it is this replica's turn."""

    @property
    def speaks(self) -> bool:
        """Whether it is."""

    def invalid(self, placed: Placed) -> None:
        """A placed pod's intent is wrong."""

    def broken(self, placed: Placed, reason: str, *, news: bool) -> None:
        """A promise is broken; it is no news where another replica, or this one before a restart, has told it."""

    def kept(self, placed: Placed, reason: str) -> None:
        """A promise that was told to be broken is kept again."""


class Keeper:
    """The standings of the placed pods. `clock` is in monotonic seconds."""

    def __init__(
        self,
        table: PlacedTable,
        cluster: Cluster,
        gather: Gather,
        listener: Listener,
        metrics: Metrics,
        clock: Callable[[], float],
        period_s: float,
    ) -> None:
        self._table, self._cluster, self._gather, self._listener = table, cluster, gather, listener
        self._metrics, self._clock, self._period_s = metrics, clock, min(period_s, LONGEST_PERIOD_S)
        self._standings: dict[str, Standing] = {}
        self._until = 0.0

    def standings(self) -> Iterator[Standing]:
        """How each placed pod stands, also those that were not looked at yet."""
        return (self._standing(placed) for placed in self._table)

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(self._period_s)
            try:
                await self.look()
            except Exception:
                log.exception("cannot look at placed pods")

    async def look(self) -> None:
        """Look at every placed pod once, a slice at a time."""
        self._until = asyncio.get_running_loop().time() + SLICE_S
        for group in self._table.groups():
            try:
                await self._look_at(group)
            except Exception:  # one group's fault must not keep the others from being looked at
                log.exception("cannot look at placed pods", extra={"intent": group.intent})
        for uid in [uid for uid in self._standings if uid not in self._table]:
            del self._standings[uid]
        states = Counter(standing.state for standing in self._standings.values())
        for state in STATES:
            self._metrics.placed_pods.labels(state).set(states[state])

    async def _look_at(self, group: Group) -> None:
        if not (pods := list(group.pods.values())):
            return
        if group.intent.mistakes:
            await self._take(pods, lambda nodes: dict.fromkeys(nodes, invalid(group.intent)))
            return
        resolution = self._cluster.resolve(group.intent, pods[0].pod, background=True)
        if missing := without_peers(resolution):
            # A watch that has just begun says nothing about a promise that was judged before.
            new = [p for p in pods if not resolution.pending or self._standing(p).state == "unmeasured"]
            await self._take(new, lambda nodes: dict.fromkeys(nodes, missing))
            return
        most = min(MOST_AT_ONCE, max(1, PATHS_AT_ONCE // len(resolution.nodes)))
        await self._take(pods, lambda nodes: findings(group.intent, resolution, nodes, self._gather), most)

    async def _take(
        self, pods: Sequence[Placed], judged: Callable[[Sequence[str]], dict[str, Finding]], most: int = MOST_AT_ONCE
    ) -> None:
        """Judge the pods' nodes in slices, and have each pod's standing see what was found on its node."""
        rest = iter(pods)
        while some := list(islice(rest, most)):
            found = judged(list(dict.fromkeys(p.pod.node for p in some)))
            for placed in some:
                self._see(placed, found[placed.pod.node])
            await self._breathe()

    async def _breathe(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() > self._until:
            await asyncio.sleep(REST_S)
            self._until = loop.time() + SLICE_S

    def _see(self, placed: Placed, finding: Finding) -> None:
        standing = self._standings[placed.pod.uid] = self._standing(placed)
        now = self._clock()
        standing.saw(finding, now)
        if self._listener.speaks:
            self._tell(standing)
        else:
            # The replica that speaks may see a change a period later than this one, and die before it does.
            standing.left_to_another(now, TAKE_OVER_S + self._period_s)

    def _standing(self, placed: Placed) -> Standing:
        """A pod's standing; with another promise it stands anew, but who was told stays told."""
        known = self._standings.get(placed.pod.uid)
        if known is not None and (known.placed is placed or known.placed.intent == placed.intent):
            known.placed = placed
            return known
        new = Standing(placed, self._clock())
        if known is not None and not (known.placed.intent.mistakes or placed.intent.mistakes):
            new.said = known.said
        return new

    def _tell(self, standing: Standing) -> None:
        """Tell what was not told yet."""
        placed, said, reason = standing.placed, standing.said, standing.finding.reason
        if placed.intent.mistakes and not said.told:
            self._listener.invalid(placed)
        elif standing.state == "broken" and (said.was_kept or not said.told):
            self._listener.broken(placed, reason, news=said.was_kept)
        elif standing.state == "kept" and (said.told or said.owed):
            self._listener.kept(placed, reason)
            said.told = said.owed = False
            return
        else:
            return
        said.told, said.heard, said.was_kept = True, True, False
