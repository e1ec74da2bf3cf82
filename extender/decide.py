"""The decisions: which nodes a pod may use, and how good each is, from what is in memory.

Everything here answers within the deadline or neutrally; nothing waits for the network or a disk. What is decided is
recorded, also in shadow mode, in which the answers stay neutral.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from extender.analysis import Analyst
from extender.cluster.base import Cluster, Resolution
from extender.decisions import Decision, Decisions
from extender.evaluate import evaluate
from extender.gather import Gathered, gather
from extender.grace import Grace
from extender.intents import Intent, parse_intent
from extender.noise import NoiseTable
from extender.pods import Pod
from extender.probing import Probing
from extender.scoretable import PathTable, ScoreTable
from extender.verdicts import Verdict, judge
from extender.windows import WindowStore
from scoring.profiles import PROFILES
from scoring.rank import NEUTRAL

__all__ = ["Answer", "Decider", "Neutral", "Policy", "Scored"]


class Neutral(StrEnum):
    """Why an answer says nothing."""

    NO_INTENT = "no_intent"
    INVALID_INTENT = "invalid_intent"
    UNRESOLVED = "unresolved_peer"
    NO_DATA = "no_data"
    DEADLINE = "deadline"
    SHADOW = "shadow"


@dataclass(frozen=True)
class Policy:
    """The settings that decisions follow."""

    profile: str
    shadow: bool
    fresh_for_s: float
    deadline_s: float


@dataclass(frozen=True)
class Answer:
    """What a webhook says: refused nodes with reasons (filter) or scores (prioritize), and how it is counted."""

    outcome: str
    failed: Mapping[str, str]
    scores: Sequence[int] = ()


@dataclass(frozen=True)
class _Peers:
    """The peers of an intent, or why there are none."""

    resolution: Resolution
    trouble: str = ""
    pending: bool = False


@dataclass(frozen=True)
class Scored:
    """A table of scores, and the paths that it was made from, which the analysis still needs."""

    table: ScoreTable
    gathered: Sequence[Gathered]


class Decider:
    """Answers kube-scheduler's questions. Times are of `clock` (monotonic seconds)."""

    def __init__(
        self,
        store: WindowStore,
        noise: NoiseTable,
        cluster: Cluster,
        probing: Probing,
        analyst: Analyst,
        decisions: Decisions,
        grace: Grace,
        policy: Policy,
        clock: Callable[[], float],
    ) -> None:
        self._store, self._noise, self._cluster, self._probing = store, noise, cluster, probing
        self._analyst, self._decisions, self._grace = analyst, decisions, grace
        self.policy, self._clock = policy, clock
        self.on_recorded: Callable[[Decision, Scored | None], None] = lambda decision, scored: None
        self.on_refused: Callable[[Pod, Intent, Mapping[str, str]], None] = lambda pod, intent, failed: None

    # -- the three verbs -------------------------------------------------------------------------------------------

    async def filter(self, raw_pod: Mapping[str, Any], names: Sequence[str]) -> Answer:
        """The nodes that a `require` pod may not use."""
        pod, intent = self._read(raw_pod)
        if intent is None:
            return Answer(Neutral.NO_INTENT, {})
        if intent.mode == "prefer":
            self._cluster.resolve(intent, pod)  # starts the watches that prioritize will need
            return Answer("passed", {})
        decision = self._decisions.begin(pod, intent, self.policy.shadow)
        decision.candidates = len(names)
        failed, decision.reason, decision.peers = await self._refusals(pod, intent, names)
        decision.failed, decision.outcome = failed, "filtered" if failed else "passed"
        self._record(decision)
        if self.policy.shadow:
            return Answer(Neutral.SHADOW, {})
        if failed:
            self.on_refused(pod, intent, failed)
        return Answer(decision.outcome, failed)

    async def prioritize(self, raw_pod: Mapping[str, Any], names: Sequence[str]) -> Answer:
        """A score for every node, in their order."""
        pod, intent = self._read(raw_pod)
        if intent is None:
            return _neutral(Neutral.NO_INTENT, names)
        decision = self._decisions.resume(pod, intent, self.policy.shadow)
        decision.candidates = max(decision.candidates, len(names))
        answer, scored = await self._scores(decision, names)
        self._record(decision, scored)
        return _neutral(Neutral.SHADOW, names) if self.policy.shadow else answer

    async def preempt(self, raw_pod: Mapping[str, Any], names: Sequence[str]) -> Answer:
        """The nodes on which evicting pods would not help, because the path to them breaks the promise."""
        pod, intent = self._read(raw_pod)
        if intent is None or intent.mode == "prefer":
            return Answer(Neutral.NO_INTENT if intent is None else "passed", {})
        failed, _, _ = await self._refusals(pod, intent, names)
        if self.policy.shadow:
            return Answer(Neutral.SHADOW, {})
        return Answer("filtered" if failed else "passed", failed)

    def _read(self, raw_pod: Mapping[str, Any]) -> tuple[Pod, Intent | None]:
        pod = Pod.from_json(raw_pod)
        return pod, parse_intent(pod, PROFILES)

    # -- require ---------------------------------------------------------------------------------------------------

    async def _refusals(
        self, pod: Pod, intent: Intent, names: Sequence[str]
    ) -> tuple[dict[str, str], str, Sequence[str]]:
        """Reasons by node, what the record says of them all, and the peers."""
        if intent.mistakes:
            text = "; ".join(intent.mistakes)
            return dict.fromkeys(names, f"invalid latency intent: {text}"), text, ()
        peers = await self._peers(pod, intent)
        resolution, trouble = peers.resolution, peers.trouble
        if not trouble and intent.policy == "all":
            trouble = resolution.unresolved  # no promise to all peers without knowing them all
        failed = self._without_peers(pod, intent, replace(peers, trouble=trouble), names) if trouble else {}
        if not failed and resolution.nodes:
            failed = self.verdicts(intent, resolution, names)
        return failed, trouble, resolution.nodes

    async def review(self, pod: Pod, intent: Intent, names: Sequence[str]) -> Mapping[str, str]:
        """What would be refused now, and why: for pods that were refused before."""
        failed, _, _ = await self._refusals(pod, intent, names)
        return failed

    def _without_peers(self, pod: Pod, intent: Intent, peers: _Peers, names: Sequence[str]) -> dict[str, str]:
        """An unknown node in the old labels is a mistake; other missing peers are waited for, then as `on-unknown`."""
        if intent.legacy and not peers.pending:
            return dict.fromkeys(names, peers.trouble)
        if self._grace.waiting((pod.uid or pod.name, "peers"), self._clock()):
            return dict.fromkeys(names, f"waiting for peers: {peers.trouble}")
        return {} if intent.on_unknown == "allow" else dict.fromkeys(names, peers.trouble)

    def verdicts(self, intent: Intent, resolution: Resolution, names: Sequence[str]) -> dict[str, str]:
        """The nodes that do not keep the promise, each with the reason."""
        now = self._clock()
        found = judge(intent, self._gather(resolution.nodes, names, now))
        failed: dict[str, str] = {}
        for name, peer, verdict in zip(names, found.peer, found.codes.tolist(), strict=True):
            if verdict == Verdict.BREAKS:
                failed[name] = _breaks(intent, peer, name)
            elif verdict == Verdict.UNMEASURED and (reason := self._unmeasured(intent, peer, name, now)):
                failed[name] = reason
            if verdict != Verdict.UNMEASURED:
                self._grace.over([(peer, name)])
        return failed

    def _unmeasured(self, intent: Intent, peer: str, name: str, now: float) -> str:
        """Why a node with an unmeasured path is refused, or nothing if it is tolerated; has the path measured."""
        self._want(peer, [name], now)
        if self._grace.waiting((peer, name), now):
            return f"measuring path to {peer}"
        return f"path to {peer} is unmeasured" if intent.on_unknown == "deny" else ""

    def _want(self, peer: str, names: Sequence[str], now: float) -> None:
        """Have paths measured quickly, from both ends, as one of them may have no prober."""
        self._probing.want(names, peer, now)
        for name in names:
            self._probing.want([peer], name, now)

    # -- scores ----------------------------------------------------------------------------------------------------

    async def _scores(self, decision: Decision, names: Sequence[str]) -> tuple[Answer, Scored | None]:
        """Score the nodes and write down how, or give the neutral answer with its reason."""
        intent = decision.intent
        if intent.mistakes:
            return self._neutral(decision, Neutral.INVALID_INTENT, "; ".join(intent.mistakes), names), None
        peers = await self._peers(decision.pod, intent)
        decision.peers = peers.resolution.nodes
        if peers.trouble:
            why = Neutral.DEADLINE if peers.pending else Neutral.UNRESOLVED
            return self._neutral(decision, why, peers.trouble, names), None
        try:
            scored = await self.score(intent, peers.resolution, names)
        except TimeoutError:
            late = f"no scores within {self.policy.deadline_s:g} s"
            return self._neutral(decision, Neutral.DEADLINE, late, names), None
        decision.rescored(scored.table)
        if not scored.table.evaluation.known:
            return self._neutral(decision, Neutral.NO_DATA, "no candidate's path is measured", names), scored
        decision.outcome, decision.reason = "scored", peers.resolution.unresolved
        return Answer("scored", {}, scored.table.evaluation.scores.tolist()), scored

    async def score(self, intent: Intent, resolution: Resolution, names: Sequence[str]) -> Scored:
        """The numbers for these nodes; raises TimeoutError when an expensive profile misses the deadline."""
        name = intent.profile or self.policy.profile
        profile, now = PROFILES[name], self._clock()
        gathered = self._gather(resolution.nodes, names, now)
        for g in gathered:
            unknown = [
                n for n, known, itself in zip(names, g.paths.known, g.itself, strict=True) if not (known or itself)
            ]
            self._want(g.peer, unknown, now)
        if profile.needs_adf:
            async with asyncio.timeout(self.policy.deadline_s):
                gathered = [await self._with_adf(g) for g in gathered]
        evaluation = evaluate(
            gathered, profile, intent.max_rtt_ms, intent.policy, resolution.weights, self._analyst.forecaster
        )
        paths = [PathTable.of(g) for g in gathered]
        return Scored(ScoreTable(names, name, intent.max_rtt_ms, evaluation, paths), gathered)

    async def _with_adf(self, gathered: Gathered) -> Gathered:
        analysis = await self._analyst.analyse(gathered)
        return replace(gathered, paths=replace(gathered.paths, adf_score=np.nan_to_num(analysis.adf_score)))

    async def analyse(self, scored: Scored) -> None:
        """Add ADF and forecasts of every path to the numbers."""
        scored.table.add([await self._analyst.analyse(g) for g in scored.gathered])

    def _gather(self, peers: Sequence[str], names: Sequence[str], now: float) -> list[Gathered]:
        return [gather(self._store, self._noise, p, names, now, self.policy.fresh_for_s) for p in peers]

    async def _peers(self, pod: Pod, intent: Intent) -> _Peers:
        resolution = self._cluster.resolve(intent, pod)
        if resolution.pending:
            resolution = await self._cluster.wait_resolved(intent, pod, self.policy.deadline_s)
        if resolution.pending:
            return _Peers(resolution, f"still reading {resolution.pending}", pending=True)
        return _Peers(resolution, resolution.unresolved if not resolution.nodes else "")

    def _neutral(self, decision: Decision, why: Neutral, reason: str, names: Sequence[str]) -> Answer:
        decision.outcome, decision.reason = "neutral", f"{why}: {reason}"
        return _neutral(why, names)

    def _record(self, decision: Decision, scored: Scored | None = None) -> None:
        self._decisions.keep(decision)
        self.on_recorded(decision, scored)


def _neutral(why: Neutral, names: Sequence[str]) -> Answer:
    return Answer(why, {}, [NEUTRAL] * len(names))


def _breaks(intent: Intent, peer: str, name: str) -> str:
    if intent.legacy and name == peer:
        return f"the neighbour node {peer} itself is excluded"
    return f"path to {peer} breaks {intent.max_rtt_ms:g} ms"
