"""Pods whose fate somebody waits for: each is reported once, when it is bound or when it goes away unbound."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from extender.intents import Pod
from neilats.log import get_logger

__all__ = ["Followed"]

FOLLOW_S: Final = 3600.0
MAX_FOLLOWED: Final = 10_000

log = get_logger("extender.cluster")


class Followed:
    """Followed pods, oldest first; the oldest is let go where there are too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pods: dict[str, tuple[Pod, float]] = {}
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
        self._pods.pop(pod.uid, None)
        self._pods[pod.uid] = (pod, self._clock() + FOLLOW_S)
        if len(self._pods) > MAX_FOLLOWED:
            del self._pods[next(iter(self._pods))]

    def namespaces(self) -> set[str]:
        """Where followed pods are, after those followed for too long have been let go."""
        now = self._clock()
        for uid in [uid for uid, (_, until) in self._pods.items() if until <= now]:
            del self._pods[uid]
        return {pod.namespace for pod, _ in self._pods.values()}

    def saw(self, pod: Pod) -> None:
        """A pod as it now is; only a bound or a deleted one ends the wait."""
        if pod.uid in self._pods and (pod.node or pod.deleted):
            self._end(pod.uid, pod.node, pod.phase, pod.deleted)

    def listed(self, namespace: str, uids: set[str]) -> None:
        """What is followed in this namespace but not there any more was deleted while nobody looked."""
        for uid in [u for u, (pod, _) in self._pods.items() if pod.namespace == namespace and u not in uids]:
            self._end(uid, "", "", True)

    def _end(self, uid: str, node: str, phase: str, deleted: bool) -> None:
        pod, _ = self._pods.pop(uid)
        pod = replace(pod, node=node, phase=phase, deleted=deleted)
        for callback in self._callbacks:
            try:
                callback(pod)
            except Exception:  # one listener's fault must not end the watch or keep the others from hearing
                log.exception("callback failed", extra={"pod": f"{pod.namespace}/{pod.name}"})
