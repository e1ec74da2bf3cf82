"""The decisions: which nodes a pod may use, and how good each is, from what is in memory.

Everything here answers within the deadline or neutrally; nothing waits for the network or a disk. What is decided is
recorded, also in shadow mode, in which the answers stay neutral.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from extender.candidates import Candidates
from extender.cluster.base import Cluster
from extender.decisions import Decision, Decisions
from extender.filtercalls import FilterCalls
from extender.intents import Intent
from extender.neutral import Neutral
from extender.patience import Patience
from extender.pods import Pod
from extender.precedence import Precedence
from extender.probing import Probing
from extender.promises import Promises, Refusals
from extender.scorer import Ranked, Scorer
from scoring.rank import NEUTRAL

__all__ = ["Answer", "Decider", "Neutral"]

WANTED_AT_ONCE: Final = 100
"""Paths that are asked for without a look at what else there is to do: a peer that is new is unknown to all nodes."""


@dataclass(frozen=True)
class Answer:
    """What a webhook says: refused nodes with reasons (filter) or scores (prioritize), and how it is counted."""

    outcome: str
    failed: Mapping[str, str]
    scores: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """[n], 0..10"""


class Decider:
    """Answers kube-scheduler's questions. Times are of `clock` (monotonic seconds).

    `afterwards` runs what is not part of an answer, once the answer has been sent.
    """

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
        afterwards: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._cluster, self._probing, self._decisions, self._clock = cluster, probing, decisions, clock
        self.scorer, self.promises = scorer, promises
        self._shadow, self._deadline_s, self._filters = shadow, deadline_s, FilterCalls(clock)
        self._afterwards, self.patience = afterwards, Patience()
        self.calls = Precedence()
        """kube-scheduler's calls that are being answered."""
        self.on_recorded: Callable[[Decision, Ranked | None], None] = lambda decision, scored: None
        self.on_filtered: Callable[[Pod, Intent, Mapping[str, str]], None] = lambda pod, intent, failed: None

    def end(self) -> float:
        """The event loop's time at which an answer that begins now must be there."""
        return asyncio.get_running_loop().time() + self._deadline_s

    # -- the three verbs -------------------------------------------------------------------------------------------

    def passed(self, pod: Pod, intent: Intent | None) -> Answer | None:
        """The answer to a filter call that no node's path has a say in, or None where the paths must be looked at."""
        self._filters.came()
        if intent is None:
            return Answer(Neutral.NO_INTENT, {})
        if intent.mode == "prefer":
            self._cluster.resolve(intent, pod)  # starts the watches that prioritize will need
            return Answer("passed", {})
        return None

    async def filter(self, pod: Pod, intent: Intent, candidates: Candidates) -> Answer:
        """The nodes that a `require` pod may not use."""
        end, decision = self.end(), self._decisions.begin(pod, intent, self._shadow)
        decision.candidates, decision.filter_called = len(candidates), True
        decision.unfiltered, decision.not_filtered, decision.table = 0, False, None
        answer, found = await self._filtered(decision, candidates, end)
        self._decisions.keep(decision)
        self._afterwards(self._complete(decision, candidates, found, end))
        if self._shadow:
            return Answer(Neutral.SHADOW, {})
        self.on_filtered(pod, intent, answer.failed)
        return answer

    async def prioritize(self, pod: Pod, intent: Intent | None, candidates: Candidates) -> Answer:
        """A score for every node, in their order."""
        if intent is None:
            return _neutral(Neutral.NO_INTENT, candidates)
        end, decision = self.end(), self._decisions.resume(pod, intent, self._shadow)
        decision.candidates = max(decision.candidates, len(candidates))
        if intent.mode == "require" and not decision.filter_called:
            decision.unfiltered += 1
            decision.not_filtered = self._filters.missed(decision.unfiltered)
        answer, scored = await self._prioritized(decision, candidates, end)
        self._decisions.keep(decision)
        self.patience.end(decision.number)
        self._afterwards(self._recorded(decision, scored))
        decision.filter_called = False  # the next attempt begins with filter again
        return _neutral(Neutral.SHADOW, candidates) if self._shadow else answer

    async def preempt(self, pod: Pod, intent: Intent | None, candidates: Candidates) -> Answer:
        """The nodes on which evicting pods would not help, because the path to them breaks the promise."""
        if intent is None or intent.mode == "prefer":
            return Answer(Neutral.NO_INTENT if intent is None else "passed", {})
        try:
            found = await self.promises.refusals(pod, intent, candidates, self._deadline_s, self.end())
        except TimeoutError:
            return Answer(Neutral.DEADLINE, {})
        if self._shadow:
            return Answer(Neutral.SHADOW, {})
        return Answer("filtered" if found.failed else "passed", found.failed)

    async def review(self, pod: Pod, intent: Intent, names: Sequence[str]) -> Mapping[str, str]:
        """What would be refused now, and why: for pods that were refused before."""
        found = await self.promises.refusals(pod, intent, self.scorer.standings.candidates(names), 0.0, self.end())
        self.asked(found.resolution.nodes)
        await self._want(found.recovering)
        return found.failed

    # -- behind them -----------------------------------------------------------------------------------------------

    async def _filtered(self, decision: Decision, candidates: Candidates, end: float) -> tuple[Answer, Refusals | None]:
        """Refuse nodes and write down why."""
        try:
            found = await self.promises.refusals(decision.pod, decision.intent, candidates, self._deadline_s, end)
        except TimeoutError:
            return Answer(self._late(decision), {}), None
        decision.failed, decision.peers, decision.reason = found.failed, found.resolution.nodes, found.reason
        decision.outcome = "filtered" if found.failed else "passed"
        return Answer(decision.outcome, found.failed), found

    async def _complete(self, decision: Decision, candidates: Candidates, found: Refusals | None, end: float) -> None:
        """Write down the numbers of a filter call too, because prioritize may never be called."""
        self._cluster.follow(decision.pod)
        if found is None:
            return self._written(decision, None)
        self.asked(found.resolution.nodes)
        await self._want([*found.unmeasured, *found.recovering])
        if len(candidates) - len(found.failed) <= 1:  # kube-scheduler does not ask who is best where there is no choice
            return self._written(decision, await self._scored(decision.intent, found, candidates, end))
        attempts = decision.attempts
        async with self.patience.of(decision.number):
            if decision.outcome in ("filtered", "passed") and decision.attempts == attempts:
                self._written(decision, await self._scored(decision.intent, found, candidates, self.end()))
        return None

    def _written(self, decision: Decision, scored: Ranked | None) -> None:
        """Write down a filter call's numbers, unless prioritize did meanwhile."""
        if decision.outcome in ("filtered", "passed") and decision.table is None and scored is not None:
            decision.table = scored.table
            decision.reason = "; ".join(filter(None, (decision.reason, scored.table.note)))
        self._decisions.shed()
        self.on_recorded(decision, scored)

    async def _scored(self, intent: Intent, found: Refusals, candidates: Candidates, end: float) -> Ranked | None:
        if not found.judged:
            return None
        try:
            return await self.scorer.rank(intent, found.resolution, candidates, end)
        except TimeoutError:
            return None

    async def _prioritized(
        self, decision: Decision, candidates: Candidates, end: float
    ) -> tuple[Answer, Ranked | None]:
        """Score the nodes and write down how, or give the neutral answer with its reason."""
        intent = decision.intent
        if intent.mistakes:
            why = "; ".join(intent.mistakes)
            return self._neutral(decision, Neutral.INVALID_INTENT, why, candidates), None
        peers = await self.promises.peers(decision.pod, intent, self._deadline_s)
        decision.peers = peers.resolution.nodes
        if peers.trouble:
            neutral = Neutral.DEADLINE if peers.pending else Neutral.UNRESOLVED
            return self._neutral(decision, neutral, peers.trouble, candidates), None
        try:
            scored = await self.scorer.rank(intent, peers.resolution, candidates, end)
        except TimeoutError:
            return _neutral(self._late(decision), candidates), None
        decision.table = scored.table
        if not scored.table.evaluation.known:
            return self._neutral(decision, Neutral.NO_DATA, "no candidate's path is measured", candidates), scored
        decision.outcome = "scored"
        notes = (peers.resolution.unresolved, peers.resolution.note, scored.table.note)
        decision.reason = "; ".join(filter(None, notes))
        return Answer("scored", {}, scored.table.evaluation.scores), scored

    async def _recorded(self, decision: Decision, scored: Ranked | None) -> None:
        self.asked(decision.peers)
        if scored is not None and (decision.intent.mode == "require" or self._probing.mesh):
            await self._want(scored.unknown())  # in a large cluster estimates do for the pods that only prefer
        self._decisions.shed()
        self.on_recorded(decision, scored)

    def asked(self, peers: Iterable[str]) -> None:
        """Have these nodes measured by all others for a while: pods ask for them."""
        now = self._clock()
        for peer in peers:
            self._probing.asked(peer, now)

    async def _want(self, paths: Iterable[tuple[str, str]]) -> None:
        """Have (peer, node) paths measured quickly, from both ends, as one of them may have no prober."""
        now = self._clock()
        for count, (peer, name) in enumerate(paths, 1):
            self._probing.want(name, peer, now)
            self._probing.want(peer, name, now)
            if count % WANTED_AT_ONCE == 0:
                await asyncio.sleep(0)  # webhooks go first

    def _late(self, decision: Decision) -> Neutral:
        late = f"no answer within {self._deadline_s:g} s"
        decision.outcome, decision.reason = "neutral", f"{Neutral.DEADLINE}: {late}"
        return Neutral.DEADLINE

    def _neutral(self, decision: Decision, why: Neutral, reason: str, candidates: Candidates) -> Answer:
        decision.outcome, decision.reason = "neutral", f"{why}: {reason}"
        return _neutral(why, candidates)


def _neutral(why: Neutral, candidates: Candidates) -> Answer:
    return Answer(why, {}, np.full(len(candidates), NEUTRAL))
