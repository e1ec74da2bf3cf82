"""Wakes pods that were refused once what refused them has changed.

kube-scheduler retries an unschedulable pod within seconds when the pod itself changes, and after up to five minutes
when nothing does. So the extender looks again at each pod that it refused, and writes an annotation on those whose
answer would now be another one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from extender.candidates import Refused
from extender.intents import PREFIX, Intent
from extender.metrics import Metrics
from extender.pods import Pod
from neilats.log import get_logger

__all__ = ["ANNOTATION", "Waker"]

log = get_logger("extender.wake")

ANNOTATION: Final = PREFIX + "retry-at"
PERIOD_S: Final = 1.0
KEPT: Final = 1000
AT_ONCE: Final = 8
"""Pods that are written to at the same time."""
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
        """The pod was refused these nodes for these reasons; with none it waits for something else."""
        known = self._refused.pop(pod.uid, None)
        if intent.mistakes or not failed:
            return  # of an invalid pod only a change of itself can help, and that wakes it anyway
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
            try:
                await self.look()
            except Exception:
                log.exception("looking at refused pods failed")

    async def look(self) -> None:
        """Wake every refused pod whose refusals have changed."""
        due = []
        for alike in self._alike():
            await asyncio.sleep(0)  # each look takes a while; webhooks go first
            if await self._changed(alike[0]):
                due += alike
        for i in range(0, len(due), AT_ONCE):
            await asyncio.gather(*(self._wake(uid) for uid in due[i : i + AT_ONCE]))

    def _alike(self) -> Iterable[list[str]]:
        """The pods that are to be looked at, those together that ask for the same and were refused alike.

        The one that has waited for longest speaks for its group: a Deployment's thousand pods are one look.
        """
        groups: dict[Hashable, list[str]] = {}
        now = self._clock()
        for uid, entry in list(self._refused.items()):
            if now - entry.asked > FORGET_S:
                del self._refused[uid]
            elif now - entry.woken >= entry.pause_s:
                groups.setdefault(_group(entry), []).append(uid)
        return groups.values()

    async def _changed(self, uid: str) -> bool:
        """Whether the pod's answer would now be another one; a failed look is logged and comes again."""
        if (entry := self._refused.get(uid)) is None:
            return False
        try:
            return _differs(entry.failed, await self._review(entry.pod, entry.intent, list(entry.failed)))
        except TimeoutError:
            return False
        except Exception:
            log.exception("cannot look at a refused pod again", extra={"pod": _name(entry.pod)})
            return False

    async def _wake(self, uid: str) -> None:
        if (entry := self._refused.get(uid)) is None:
            return
        now = self._clock()
        quiet = now - entry.woken > 2 * LONGEST_PAUSE_S
        entry.pause_s = FIRST_PAUSE_S if quiet else min(LONGEST_PAUSE_S, 2 * entry.pause_s)
        entry.woken = now
        try:
            done = await self._annotate(entry.pod, {ANNOTATION: self._stamp()})
        except Exception:
            log.exception("cannot wake a refused pod", extra={"pod": _name(entry.pod)})
            done = False
        self._metrics.wakes.labels("done" if done else "failed").inc()
        log.info("refused pod woken", extra={"pod": _name(entry.pod), "done": done})


def _group(entry: _Refused) -> Hashable:
    """Equal for pods with the same peers and the same refusals; which pods are peers depends on who asks."""
    failed, asking = entry.failed, entry.pod
    signature = failed.signature if isinstance(failed, Refused) else frozenset(failed.items())
    whose = (asking.namespace, asking.owner) if entry.intent.peer_pods is not None else ()
    return entry.intent, whose, signature


def _differs(before: Failed, now: Failed) -> bool:
    """Whether a node has become possible, or what was being waited for has been settled either way."""
    if any(node not in now for node in before):
        return True
    return any(before[n] != now[n] and _waiting(before[n]) for n in before)


def _name(pod: Pod) -> str:
    return f"{pod.namespace}/{pod.name}"


def _waiting(reason: str) -> bool:
    return reason.startswith(("measuring", "waiting"))
