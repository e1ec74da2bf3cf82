"""What follows a decision, off the hot path: its analysis, where the pod went, what people are told, and waking it."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from extender.analyses import Analyses
from extender.cluster.base import Cluster
from extender.decide import Decider
from extender.decisions import Decision, Decisions
from extender.events.announcer import Announcer
from extender.intents import Intent
from extender.metrics import Metrics
from extender.pods import Pod
from extender.scorer import Ranked
from extender.standingtable import StandingTable
from extender.wake import Waker
from neilats.log import get_logger

__all__ = ["Followup"]

log = get_logger("extender.followup")

TIDY_S: Final = 60.0
"""Where nothing is decided, what is remembered is looked through so often."""

PAUSE_S: Final = 0.1
"""Between two looks at what was decided."""


class Followup:
    """Listens to the decider and the cluster, and completes the records."""

    def __init__(
        self,
        decider: Decider,
        decisions: Decisions,
        cluster: Cluster,
        waker: Waker,
        announcer: Announcer,
        metrics: Metrics,
    ) -> None:
        self._decider, self._decisions, self._cluster = decider, decisions, cluster
        self._waker, self._announcer, self._metrics = waker, announcer, metrics
        self._pending: deque[tuple[Decision, Ranked]] = deque()
        self._came = asyncio.Event()
        self._untold: set[int] = set()
        self._analyses = Analyses(decider.scorer, decisions)
        decider.on_recorded = self.recorded
        decider.on_filtered = self.filtered
        cluster.on_bound(self.bound)

    def recorded(self, decision: Decision, scored: Ranked | None) -> None:
        """A decision was made: follow its pod, and have its paths analysed."""
        self._cluster.follow(decision.pod)
        self._announcer.decided(decision)
        if scored is not None:
            self._pending.append((decision, scored))
            self._came.set()
            self._analyses.soon(decision, scored)
        if decision.number in self._untold:
            self._tell(decision)

    def filtered(self, pod: Pod, intent: Intent, failed: Mapping[str, str]) -> None:
        """Nodes were refused to a pod, or none."""
        self._waker.refused(pod, intent, failed)

    def bound(self, pod: Pod) -> None:
        """A followed pod got its node, or was deleted."""
        self._waker.settled(pod)
        decision = self._decisions.bound(pod)
        if decision is None:
            return
        if self._decider.patience.end(decision.number):
            self._untold.add(decision.number)  # it is told with its numbers
        else:
            self._tell(decision)

    def _tell(self, decision: Decision) -> None:
        """Tell where a pod went, and whether that was the best node."""
        self._untold.discard(decision.number)
        self._announcer.bound(decision)
        if (outvoted := decision.outvoted) is None:
            return
        self._metrics.outvoted.labels(str(outvoted).lower()).inc()
        # One line for each of thousands of pods costs more than it says; an outvoted one is worth it.
        level = logging.INFO if outvoted else logging.DEBUG
        if log.isEnabledFor(level):
            pod = f"{decision.pod.namespace}/{decision.pod.name}"
            fields = {"pod": pod, "node": decision.node, "outvoted": outvoted}
            log.log(level, "pod bound", extra=fields)

    async def settle(self) -> None:
        """Have every decision hold its numbers now: somebody wants to see them."""
        await self._decider.patience.finish()
        for decision, scored in list(self._pending):
            if isinstance(scored, StandingTable) and decision in self._decisions:
                await scored.settle()

    async def run(self) -> None:
        """Add what takes longer to the records, for ever."""
        await asyncio.gather(self._settle_all(), self._analyses.run())

    async def _settle_all(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(TIDY_S):
                    await self._came.wait()
            await asyncio.sleep(PAUSE_S)
            self._came.clear()
            try:
                await self._complete()
                self._decider.scorer.standings.tidy()
            except Exception:
                log.exception("completing decisions failed")

    async def _complete(self) -> None:
        """Settle the decisions in their order, in slices between which webhooks are answered."""
        while self._pending:
            decision, scored = self._pending[0]
            try:
                # Many decisions of many candidates push the first ones out again.
                if isinstance(scored, StandingTable) and decision in self._decisions:
                    await scored.settle()
            except Exception:
                log.exception("a decision is shown without its numbers", extra={"pod": decision.pod.name})
            self._pending.popleft()  # only here: until then whoever wants to see it finds it
            await asyncio.sleep(0)
