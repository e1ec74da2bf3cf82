"""Which nodes a `require` pod must be refused, and why: its peers, its paths, and the waits for what is unknown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from extender.cluster.base import Cluster, Resolution
from extender.gather import Gathered
from extender.grace import Grace
from extender.intents import Intent
from extender.pods import Pod
from extender.scorer import Scorer
from extender.verdicts import Verdict, Verdicts, judge

__all__ = ["Peers", "Promises", "Refusals", "breaks"]


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
    gathered: Sequence[Gathered] = ()
    unmeasured: Sequence[tuple[str, str]] = ()
    """(peer, node) of paths with too few samples."""
    recovering: Sequence[tuple[str, str]] = ()
    """(peer, node) of paths that break the promise, but whose newest samples keep it."""


@dataclass
class _Found:
    failed: dict[str, str] = field(default_factory=dict)
    unmeasured: list[tuple[str, str]] = field(default_factory=list)
    recovering: list[tuple[str, str]] = field(default_factory=list)


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

    async def refusals(self, pod: Pod, intent: Intent, names: Sequence[str], wait_s: float, end: float) -> Refusals:
        """The nodes that the pod may not use now; raises TimeoutError when there was no time to look at all paths."""
        if intent.mistakes:
            text = "; ".join(intent.mistakes)
            return Refusals(dict.fromkeys(names, f"invalid latency intent: {text}"), text)
        peers = await self.peers(pod, intent, wait_s)
        trouble = peers.trouble
        if not trouble and intent.policy == "all":
            trouble = peers.resolution.unresolved  # no promise to all peers without knowing them all
        if trouble and (failed := self._without_peers(pod, intent, trouble, peers.pending, names)):
            return Refusals(failed, trouble, peers.resolution)
        if not peers.resolution.nodes:
            return Refusals({}, trouble, peers.resolution)
        gathered = self._scorer.gather(peers.resolution.nodes, names, end)
        found = self._judged(intent, names, judge(intent, gathered, peers.resolution.weights))
        return Refusals(found.failed, trouble, peers.resolution, gathered, found.unmeasured, found.recovering)

    def _without_peers(
        self, pod: Pod, intent: Intent, trouble: str, pending: bool, names: Sequence[str]
    ) -> dict[str, str]:
        """An unknown node in the old labels is a mistake; other missing peers are waited for, then as `on-unknown`."""
        if intent.legacy and not pending:
            return dict.fromkeys(names, trouble)
        if self._grace.waiting(("pod", pod.uid or pod.name), self._clock()):
            return dict.fromkeys(names, f"waiting for peers: {trouble}")
        return {} if intent.on_unknown == "allow" else dict.fromkeys(names, trouble)

    def _judged(self, intent: Intent, names: Sequence[str], verdicts: Verdicts) -> _Found:
        found, now = _Found(), self._clock()
        rows = zip(names, verdicts.peer, verdicts.codes.tolist(), verdicts.recovering.tolist(), strict=True)
        for name, peer, verdict, recovering in rows:
            if verdict == Verdict.UNMEASURED:
                found.unmeasured.append((peer, name))
                if reason := self._unmeasured(intent, peer, name, now):
                    found.failed[name] = reason
                continue
            self._grace.over([("path", peer, name)])
            if verdict == Verdict.BREAKS:
                found.failed[name] = breaks(intent, peer, name)
            if recovering:
                found.recovering.append((peer, name))
        return found

    def _unmeasured(self, intent: Intent, peer: str, name: str, now: float) -> str:
        """Why a node with an unmeasured path is refused, or nothing if it is tolerated."""
        if self._grace.waiting(("path", peer, name), now):
            return f"measuring path to {peer}"
        return f"path to {peer} is unmeasured" if intent.on_unknown == "deny" else ""


def breaks(intent: Intent, peer: str, name: str) -> str:
    """What is wrong with a node whose path to the peer was measured and breaks the promise."""
    if intent.legacy and name == peer:
        return f"the neighbour node {peer} itself is excluded"
    return f"path to {peer} breaks {intent.max_rtt_ms:g} ms"
