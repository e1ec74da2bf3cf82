"""Pods whose fate somebody waits for: each is reported once, when it is bound or when it goes away unbound."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from extender.cluster.podtable import PodKey, pod_key
from extender.intents import Pod
from neilats.log import get_logger

__all__ = ["Followed"]

FOLLOW_S: Final = 3600.0
MAX_FOLLOWED: Final = 10_000

log = get_logger("extender.cluster")


class _Entry(NamedTuple):
    pod: Pod
    since: float
    until: float
    mark: int  # the last list that had begun when the pod was followed


class Followed:
    """Followed pods, oldest first; the oldest is let go where there are too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pods: dict[str, _Entry] = {}
        self._mark = 0
        self._callbacks: list[Callable[[Pod], None]] = []

    def __len__(self) -> int:
        return len(self._pods)

    def on_end(self, callback: Callable[[Pod], None]) -> None:
        """Call back with every followed pod once it is bound (`node`) or gone (`deleted`)."""
        self._callbacks.append(callback)

    def follow(self, pod: Pod) -> None:
        """Begin or go on to follow; a pod without uid cannot be told from its successor and is left alone."""
        if not pod.uid:
            return
        now, known = self._clock(), self._pods.pop(pod.uid, None)
        since = now if known is None else known.since
        self._pods[pod.uid] = _Entry(pod, since, now + FOLLOW_S, self._mark)
        if len(self._pods) > MAX_FOLLOWED:
            del self._pods[next(iter(self._pods))]

    def namespaces(self, waiting_s: float = 0.0) -> set[str]:
        """Where pods are that have been followed for so long, after those followed for too long have been let go."""
        now = self._clock()
        for uid in [uid for uid, entry in self._pods.items() if entry.until <= now]:
            del self._pods[uid]
        return {entry.pod.namespace for entry in self._pods.values() if now - entry.since >= waiting_s}

    def saw(self, pod: Pod) -> None:
        """A pod as it now is; only a bound or a deleted one ends the wait."""
        if pod.uid in self._pods and (pod.node or pod.deleted):
            self._end(pod.uid, pod.node, pod.phase, pod.deleted)

    def begin_list(self) -> int:
        """A mark between the pods that are followed already, which a list must show, and those followed from now on."""
        self._mark += 1
        return self._mark

    def listed(self, namespace: str, keys: set[PodKey], mark: int) -> bool:
        """What this namespace has; a pod followed since before the mark and not there was deleted unseen.

        One followed later may be too new for that list or deleted already: then False, because another list must tell.
        """
        here = {u: e.mark for u, e in self._pods.items() if e.pod.namespace == namespace}
        missing = {u: followed for u, followed in here.items() if pod_key(u) not in keys}
        gone = [uid for uid, followed in missing.items() if followed < mark]
        for uid in gone:
            self._end(uid, "", "", True)
        return len(gone) == len(missing)

    def _end(self, uid: str, node: str, phase: str, deleted: bool) -> None:
        pod = replace(self._pods.pop(uid).pod, node=node, phase=phase, deleted=deleted)
        for callback in self._callbacks:
            try:
                callback(pod)
            except Exception:  # one listener's fault must not end the watch or keep the others from hearing
                log.exception("callback failed", extra={"pod": f"{pod.namespace}/{pod.name}"})
