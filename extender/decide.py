"""The decisions: which nodes a pod may use, and how good each is, from what is in memory.

Everything here answers within the deadline or neutrally; nothing waits for the network or a disk. What is decided is
recorded, also in shadow mode, in which the answers stay neutral.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from extender.cluster.base import Cluster
from extender.decisions import Decision, Decisions
from extender.filtercalls import FilterCalls
from extender.intents import Intent, parse_intent
from extender.neutral import Neutral
from extender.pods import Pod
from extender.probing import Probing
from extender.promises import Promises, Refusals
from extender.scorer import Scored, Scorer
from scoring.profiles import PROFILES
from scoring.rank import NEUTRAL

__all__ = ["Answer", "Decider", "Neutral"]


@dataclass(frozen=True)
class Answer:
    """What a webhook says: refused nodes with reasons (filter) or scores (prioritize), and how it is counted."""

    outcome: str
    failed: Mapping[str, str]
    scores: Sequence[int] = ()


class Decider:
    """Answers kube-scheduler's questions. Times are of `clock` (monotonic seconds)."""

    def __init__(
        self,
        cluster: Cluster,
        probing: Probing,
        scorer: Scorer,
        promises: Promises,
        decisions: Decisions,
        clock: Callable[[], float],
        *,
        shadow: bool,
        deadline_s: float,
    ) -> None:
        self._cluster, self._probing, self._decisions, self._clock = cluster, probing, decisions, clock
        self.scorer, self.promises = scorer, promises
        self._shadow, self._deadline_s, self._filters = shadow, deadline_s, FilterCalls(clock)
        self.on_recorded: Callable[[Decision, Scored | None], None] = lambda decision, scored: None
        self.on_filtered: Callable[[Pod, Intent, Mapping[str, str]], None] = lambda pod, intent, failed: None

    def end(self) -> float:
        """The event loop's time at which an answer that begins now must be there."""
        return asyncio.get_running_loop().time() + self._deadline_s

    # -- the three verbs -------------------------------------------------------------------------------------------

    async def filter(self, raw_pod: Mapping[str, Any], names: Sequence[str]) -> Answer:
        """The nodes that a `require` pod may not use."""
        self._filters.came()
        pod, intent = _read(raw_pod)
        if intent is None:
            return Answer(Neutral.NO_INTENT, {})
        if intent.mode == "prefer":
            self._cluster.resolve(intent, pod)  # starts the watches that prioritize will need
            return Answer("passed", {})
        end, decision = self.end(), self._decisions.begin(pod, intent, self._shadow)
        decision.candidates, decision.filter_called = len(names), True
        decision.unfiltered, decision.not_filtered = 0, False
        answer, scored = await self._filtered(decision, names, end)
        self._record(decision, scored)
        if self._shadow:
            return Answer(Neutral.SHADOW, {})
        self.on_filtered(pod, intent, answer.failed)
        return answer

    async def prioritize(self, raw_pod: Mapping[str, Any], names: Sequence[str]) -> Answer:
        """A score for every node, in their order."""
        pod, intent = _read(raw_pod)
        if intent is None:
            return _neutral(Neutral.NO_INTENT, names)
        end, decision = self.end(), self._decisions.resume(pod, intent, self._shadow)
        decision.candidates = max(decision.candidates, len(names))
        if intent.mode == "require" and not decision.filter_called:
            decision.unfiltered += 1
            decision.not_filtered = self._filters.missed(decision.unfiltered)
        answer, scored = await self._prioritized(decision, names, end)
        self._record(decision, scored)
        decision.filter_called = False  # the next attempt begins with filter again
        return _neutral(Neutral.SHADOW, names) if self._shadow else answer

    async def preempt(self, raw_pod: Mapping[str, Any], names: Sequence[str]) -> Answer:
        """The nodes on which evicting pods would not help, because the path to them breaks the promise."""
        pod, intent = _read(raw_pod)
        if intent is None or intent.mode == "prefer":
            return Answer(Neutral.NO_INTENT if intent is None else "passed", {})
        try:
            found = await self.promises.refusals(pod, intent, names, self._deadline_s, self.end())
        except TimeoutError:
            return Answer(Neutral.DEADLINE, {})
        if self._shadow:
            return Answer(Neutral.SHADOW, {})
        return Answer("filtered" if found.failed else "passed", found.failed)

    async def review(self, pod: Pod, intent: Intent, names: Sequence[str]) -> Mapping[str, str]:
        """What would be refused now, and why: for pods that were refused before."""
        found = await self.promises.refusals(pod, intent, names, 0.0, self.end())
        self.asked(found.resolution.nodes)
        self._want(found.recovering)
        return found.failed

    # -- behind them -----------------------------------------------------------------------------------------------

    async def _filtered(self, decision: Decision, names: Sequence[str], end: float) -> tuple[Answer, Scored | None]:
        """Refuse nodes and write down why, with the numbers, because prioritize may never be called."""
        try:
            found = await self.promises.refusals(decision.pod, decision.intent, names, self._deadline_s, end)
            scored = await self._scored(decision.intent, found, names, end)
        except TimeoutError:
            return Answer(self._late(decision), {}), None
        self.asked(found.resolution.nodes)
        self._want([*found.unmeasured, *found.recovering])
        decision.failed, decision.peers = found.failed, found.resolution.nodes
        decision.reason = "; ".join(filter(None, (found.reason, scored.table.note if scored else "")))
        decision.outcome = "filtered" if found.failed else "passed"
        decision.table = scored.table if scored else None
        return Answer(decision.outcome, found.failed), scored

    async def _scored(self, intent: Intent, found: Refusals, names: Sequence[str], end: float) -> Scored | None:
        if not found.gathered:
            return None
        return await self.scorer.score(intent, found.resolution, names, end, found.gathered)

    async def _prioritized(self, decision: Decision, names: Sequence[str], end: float) -> tuple[Answer, Scored | None]:
        """Score the nodes and write down how, or give the neutral answer with its reason."""
        intent = decision.intent
        if intent.mistakes:
            return self._neutral(decision, Neutral.INVALID_INTENT, "; ".join(intent.mistakes), names), None
        peers = await self.promises.peers(decision.pod, intent, self._deadline_s)
        decision.peers = peers.resolution.nodes
        self.asked(peers.resolution.nodes)
        if peers.trouble:
            why = Neutral.DEADLINE if peers.pending else Neutral.UNRESOLVED
            return self._neutral(decision, why, peers.trouble, names), None
        try:
            scored = await self.scorer.score(intent, peers.resolution, names, end)
        except TimeoutError:
            return _neutral(self._late(decision), names), None
        if intent.mode == "require" or self._probing.mesh:  # in a large cluster estimates do for the others
            self._want(_unknown(scored))
        decision.table = scored.table
        if not scored.table.evaluation.known:
            return self._neutral(decision, Neutral.NO_DATA, "no candidate's path is measured", names), scored
        decision.outcome = "scored"
        notes = (peers.resolution.unresolved, peers.resolution.note, scored.table.note)
        decision.reason = "; ".join(filter(None, notes))
        return Answer("scored", {}, scored.table.evaluation.scores.tolist()), scored

    def asked(self, peers: Iterable[str]) -> None:
        """Have these nodes measured by all others for a while: pods ask for them."""
        now = self._clock()
        for peer in peers:
            self._probing.asked(peer, now)

    def _want(self, paths: Iterable[tuple[str, str]]) -> None:
        """Have (peer, node) paths measured quickly, from both ends, as one of them may have no prober."""
        now = self._clock()
        for peer, name in paths:
            self._probing.want(name, peer, now)
            self._probing.want(peer, name, now)

    def _late(self, decision: Decision) -> Neutral:
        late = f"no answer within {self._deadline_s:g} s"
        decision.outcome, decision.reason = "neutral", f"{Neutral.DEADLINE}: {late}"
        return Neutral.DEADLINE

    def _neutral(self, decision: Decision, why: Neutral, reason: str, names: Sequence[str]) -> Answer:
        decision.outcome, decision.reason = "neutral", f"{why}: {reason}"
        return _neutral(why, names)

    def _record(self, decision: Decision, scored: Scored | None) -> None:
        self._decisions.keep(decision)
        self.on_recorded(decision, scored)


def _read(raw_pod: Mapping[str, Any]) -> tuple[Pod, Intent | None]:
    pod = Pod.from_json(raw_pod)
    return pod, parse_intent(pod, PROFILES)


def _neutral(why: Neutral, names: Sequence[str]) -> Answer:
    return Answer(why, {}, [NEUTRAL] * len(names))


def _unknown(scored: Scored) -> list[tuple[str, str]]:
    """(peer, node) of the paths of which nothing fresh is known."""
    return [
        (g.peer, name)
        for g in scored.gathered
        for name, known, itself in zip(g.names, g.paths.known.tolist(), g.itself.tolist(), strict=True)
        if not (known or itself)
    ]
