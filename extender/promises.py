"""Which nodes a `require` pod must be refused, and why: its peers, its paths, and the waits for what is unknown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from extender.candidates import Candidates, Refused
from extender.cluster.base import Cluster, Resolution
from extender.grace import Grace
from extender.intents import Intent
from extender.pods import Pod
from extender.scorer import Scorer
from extender.verdicts import BREAKS, UNMEASURED, Verdicts, over_peers, promised_ms

__all__ = ["Peers", "Promises", "Refusals", "breaks"]

Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Peers:
    """The peers of an intent, or why there are none; `pending` while a watch is still being read."""

    resolution: Resolution
    trouble: str = ""
    pending: bool = False


@dataclass(frozen=True)
class Refusals:
    """Reasons by refused node, and what they rest on."""

    failed: Mapping[str, str]
    reason: str = ""
    """What is wrong with the intent or its peers, for all nodes alike."""
    resolution: Resolution = field(default_factory=Resolution)
    judged: bool = False
    """Whether the paths were looked at."""
    unmeasured: Sequence[tuple[str, str]] = ()
    """(peer, node) of paths with too few samples."""
    recovering: Sequence[tuple[str, str]] = ()
    """(peer, node) of paths that break the promise, but whose newest samples keep it."""


class Promises:
    """Judges nodes for `require` pods."""

    def __init__(self, scorer: Scorer, cluster: Cluster, grace: Grace, clock: Callable[[], float]) -> None:
        self._scorer, self._cluster, self._grace, self._clock = scorer, cluster, grace, clock

    async def peers(self, pod: Pod, intent: Intent, wait_s: float) -> Peers:
        """The nodes of the intent's peers, after waiting so long at most for a watch that has just begun."""
        resolution = self._cluster.resolve(intent, pod)
        if resolution.pending and wait_s > 0:
            resolution = await self._cluster.wait_resolved(intent, pod, wait_s)
        if resolution.pending:
            return Peers(resolution, f"still reading {resolution.pending}", pending=True)
        return Peers(resolution, resolution.unresolved if not resolution.nodes else "")

    async def refusals(self, pod: Pod, intent: Intent, candidates: Candidates, wait_s: float, end: float) -> Refusals:
        """The nodes that the pod may not use now; raises TimeoutError when there was no time to look at all paths."""
        if intent.mistakes:
            text = "; ".join(intent.mistakes)
            return Refusals(_all(candidates, f"invalid latency intent: {text}"), text)
        peers = await self.peers(pod, intent, wait_s)
        trouble = peers.trouble
        if not trouble and intent.policy == "all":
            trouble = peers.resolution.unresolved  # no promise to all peers without knowing them all
        if trouble and (failed := self._without_peers(pod, intent, trouble, peers.pending, candidates)):
            return Refusals(failed, trouble, peers.resolution)
        if not peers.resolution.nodes:
            return Refusals({}, trouble, peers.resolution)
        nodes, weights = peers.resolution.nodes, peers.resolution.weights
        paths = self._scorer.promises(nodes, candidates, promised_ms(intent), intent.legacy, end)
        return self._judged(intent, peers.resolution, candidates, over_peers(intent, paths, weights), trouble)

    def _without_peers(
        self, pod: Pod, intent: Intent, trouble: str, pending: bool, candidates: Candidates
    ) -> Mapping[str, str]:
        """An unknown node in the old labels is a mistake; other missing peers are waited for, then as `on-unknown`."""
        if intent.legacy and not pending:
            return _all(candidates, trouble)
        if self._grace.waiting(("pod", pod.uid or pod.name), self._clock()):
            return _all(candidates, f"waiting for peers: {trouble}")
        return {} if intent.on_unknown == "allow" else _all(candidates, trouble)

    def _judged(
        self, intent: Intent, resolution: Resolution, candidates: Candidates, verdicts: Verdicts, trouble: str
    ) -> Refusals:
        """Refusals by peer and reason; only what is refused, unmeasured or waited for is looked at one by one."""
        only = len(resolution.nodes) == 1
        groups: list[tuple[str, Positions]] = []
        unmeasured: list[tuple[str, str]] = []
        recovering: list[tuple[str, str]] = []
        codes = verdicts.codes
        for k, peer in enumerate(resolution.nodes):
            mine: NDArray[np.bool_] | bool = True if only else verdicts.pick == k
            unknown, broken, better = (
                (mine & which).nonzero()[0] for which in (codes == UNMEASURED, codes == BREAKS, verdicts.recovering)
            )
            self._over(peer, candidates, mine, codes)
            unmeasured += [(peer, name) for name in candidates.named(unknown)]
            groups += self._unmeasured(intent, peer, candidates, unknown)
            groups += _broken(intent, peer, candidates, broken)
            recovering += [(peer, name) for name in candidates.named(better)]
        return Refusals(Refused(candidates, groups), trouble, resolution, True, unmeasured, recovering)

    def _over(self, peer: str, candidates: Candidates, mine: NDArray[np.bool_] | bool, codes: NDArray[np.int8]) -> None:
        """No path that is measured is waited for any longer."""
        waited = self._grace.waited_for("path", peer)
        if waited:
            known = set(candidates.places[mine & (codes != UNMEASURED)].tolist())
            self._grace.over([("path", peer, name) for name in waited if candidates.index.find(name) in known])

    def _unmeasured(
        self, intent: Intent, peer: str, candidates: Candidates, unknown: Positions
    ) -> list[tuple[str, Positions]]:
        """Why nodes with unmeasured paths are refused; those that are tolerated are in none of the groups."""
        if not unknown.size:
            return []
        now = self._clock()
        waiting = np.array([self._grace.waiting(("path", peer, name), now) for name in candidates.named(unknown)])
        groups = [(f"measuring path to {peer}", unknown[waiting])]
        if intent.on_unknown == "deny":
            groups.append((f"path to {peer} is unmeasured", unknown[~waiting]))
        return groups


def _broken(intent: Intent, peer: str, candidates: Candidates, which: Positions) -> list[tuple[str, Positions]]:
    if not which.size or not intent.legacy:
        return [(breaks(intent, peer, ""), which)]
    itself = candidates.places[which] == candidates.index.find(peer)
    return [(breaks(intent, peer, peer), which[itself]), (breaks(intent, peer, ""), which[~itself])]


def _all(candidates: Candidates, reason: str) -> Refused:
    return Refused(candidates, [(reason, np.arange(len(candidates)))])


def breaks(intent: Intent, peer: str, name: str) -> str:
    """What is wrong with a node whose path to the peer was measured and breaks the promise."""
    if intent.legacy and name == peer:
        return f"the neighbour node {peer} itself is excluded"
    return f"path to {peer} breaks {intent.max_rtt_ms:g} ms"
