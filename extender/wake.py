"""Wakes pods that were refused once what refused them has changed.

kube-scheduler retries an unschedulable pod within seconds when the pod itself changes, and after up to five minutes
when nothing does. So the extender looks again at each pod that it refused, and writes an annotation on those whose
answer would now be another one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from extender.intents import PREFIX, Intent
from extender.metrics import Metrics
from extender.pods import Pod
from neilats.log import get_logger

__all__ = ["ANNOTATION", "Waker"]

log = get_logger("extender.wake")

ANNOTATION: Final = PREFIX + "retry-at"
PERIOD_S: Final = 1.0
KEPT: Final = 1000
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
FORGET_S: Final = 3600.0

Failed = Mapping[str, str]


@dataclass
class _Refused:
    pod: Pod
    intent: Intent
    failed: Failed
    asked: float
    woken: float = float("-inf")
    pause_s: float = FIRST_PAUSE_S


class Waker:
    """Keeps the refused pods; `review` gives a pod's refusals as of now, `annotate` writes on the pod."""

    def __init__(
        self,
        review: Callable[[Pod, Intent, list[str]], Awaitable[Failed]],
        annotate: Callable[[Pod, Mapping[str, str]], Awaitable[bool]],
        metrics: Metrics,
        clock: Callable[[], float],
        stamp: Callable[[], str],
    ) -> None:
        self._review, self._annotate, self._metrics = review, annotate, metrics
        self._clock, self._stamp = clock, stamp
        self._refused: dict[str, _Refused] = {}

    def refused(self, pod: Pod, intent: Intent, failed: Failed) -> None:
        """A pod was refused these nodes for these reasons."""
        if intent.mistakes:
            return  # only a change of the pod itself can help, and that wakes it anyway
        known = self._refused.pop(pod.uid, None)
        entry = known or _Refused(pod, intent, failed, self._clock())
        entry.pod, entry.intent, entry.failed, entry.asked = pod, intent, failed, self._clock()
        self._refused[pod.uid] = entry
        while len(self._refused) > KEPT:
            del self._refused[next(iter(self._refused))]

    def settled(self, pod: Pod) -> None:
        """The pod was bound or deleted."""
        self._refused.pop(pod.uid, None)

    async def run(self) -> None:
        """Look at the refused pods every second, for ever."""
        while True:
            await asyncio.sleep(PERIOD_S)
            await self.look()

    async def look(self) -> None:
        """Wake every refused pod whose refusals have changed."""
        now = self._clock()
        for uid, entry in list(self._refused.items()):
            if now - entry.asked > FORGET_S:
                del self._refused[uid]
            elif now - entry.woken >= entry.pause_s and _differs(
                entry.failed, await self._review(entry.pod, entry.intent, list(entry.failed))
            ):
                await self._wake(entry, now)

    async def _wake(self, entry: _Refused, now: float) -> None:
        entry.pause_s = min(LONGEST_PAUSE_S, 2 * entry.pause_s) if entry.woken > float("-inf") else entry.pause_s
        entry.woken = now
        done = await self._annotate(entry.pod, {ANNOTATION: self._stamp()})
        self._metrics.wakes.labels("done" if done else "failed").inc()
        log.info("refused pod woken", extra={"pod": f"{entry.pod.namespace}/{entry.pod.name}", "done": done})


def _differs(before: Failed, now: Failed) -> bool:
    """Whether a node has become possible, or what was being waited for has been settled either way."""
    if any(node not in now for node in before):
        return True
    return any(before[n] != now[n] and _waiting(before[n]) for n in before)


def _waiting(reason: str) -> bool:
    return reason.startswith(("measuring", "waiting"))
