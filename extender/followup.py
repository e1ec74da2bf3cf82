"""What follows a decision, off the hot path: its analysis, where the pod went, what people are told, and waking it."""

import asyncio
from collections.abc import Mapping
from typing import Final

from extender.cluster.base import Cluster
from extender.decide import Decider
from extender.decisions import Decision, Decisions
from extender.events.announcer import Announcer
from extender.intents import Intent
from extender.metrics import Metrics
from extender.pods import Pod
from extender.scorer import Scored
from extender.wake import Waker
from neilats.log import get_logger

__all__ = ["Followup"]

log = get_logger("extender.followup")

QUEUED: Final = 32
"""Decisions that may wait for their analysis; more are shown without it, because each holds its windows."""


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
        self._queue: asyncio.Queue[Scored] = asyncio.Queue(QUEUED)
        decider.on_recorded = self.recorded
        decider.on_filtered = self.filtered
        cluster.on_bound(self.bound)

    def recorded(self, decision: Decision, scored: Scored | None) -> None:
        """A decision was made: follow its pod, and have its paths analysed."""
        self._cluster.follow(decision.pod)
        self._announcer.decided(decision)
        if scored is not None and not self._queue.full():
            self._queue.put_nowait(scored)

    def filtered(self, pod: Pod, intent: Intent, failed: Mapping[str, str]) -> None:
        """Nodes were refused to a pod, or none."""
        self._waker.refused(pod, intent, failed)

    def bound(self, pod: Pod) -> None:
        """A followed pod got its node, or was deleted."""
        self._waker.settled(pod)
        decision = self._decisions.bound(pod)
        if decision is None:
            return
        self._announcer.bound(decision)
        if decision.outvoted is None:
            return
        self._metrics.outvoted.labels(str(decision.outvoted).lower()).inc()
        log.info(
            "pod bound",
            extra={"pod": f"{pod.namespace}/{pod.name}", "node": pod.node, "outvoted": decision.outvoted},
        )

    async def run(self) -> None:
        """Add what takes longer to the records, one after the other, for ever."""
        while True:
            scored = await self._queue.get()
            try:
                await self._decider.scorer.analyse(scored)
            except Exception:
                log.exception("analysis failed", extra={"profile": scored.table.profile})
