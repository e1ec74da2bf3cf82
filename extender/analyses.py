"""Adds ADF scores, forecasts and violations to what decisions show, each path's computed once for all of them."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import numpy as np

from extender.analysed import Analysed
from extender.candidates import Candidates
from extender.decisions import Decision, Decisions
from extender.scorer import Ranked, Scored, Scorer
from extender.standing import Standing
from extender.standingtable import StandingTable
from neilats.log import get_logger

__all__ = ["Analyses"]

log = get_logger("extender.analyses")

PAUSE_S: Final = 0.5
"""Between two looks at what was decided: what many decisions share is computed once then. A peer that is new does not
wait for it."""

MANY: Final = 8
"""Where more decisions come within a pause, paths that are known are analysed at most once an interval."""

KNOWN: Final = 16
"""(peer, SLA) whose analyses are at hand, those that were asked for last; the others' are looked up row by row."""

BUSY_SHARE: Final = 0.04
"""Of one core's time that this takes while further decisions come; otherwise it does not rest."""

SLOW: Final = 32
"""Decisions of profiles that rest on ADF or points which are analysed, of those that come within a pause."""


class Analyses:
    """Analyses decisions that were made a moment ago, those that are still among `decisions`."""

    def __init__(self, scorer: Scorer, decisions: Decisions) -> None:
        self._scorer, self._decisions = scorer, decisions
        self._known: OrderedDict[Standing, Analysed] = OrderedDict()
        self._waiting: deque[tuple[Decision, Ranked]] = deque()
        self._came, self._news = asyncio.Event(), asyncio.Event()

    def soon(self, decision: Decision, scored: Ranked) -> None:
        """Have a decision analysed; at once, where it is the first one towards a peer."""
        self._waiting.append((decision, scored))
        self._came.set()
        if isinstance(scored, StandingTable) and not all(standing in self._known for standing in scored.standings):
            self._news.set()

    async def run(self) -> None:
        """Analyse all that came within a while together, for ever."""
        while True:
            await self._came.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE_S):
                    await self._news.wait()
            self._came.clear()
            self._news.clear()
            await self.work_off()

    async def work_off(self) -> None:
        """Analyse what waits."""
        waiting = list(self._waiting)
        self._waiting.clear()
        try:
            await self.add([scored for decision, scored in waiting if decision in self._decisions])
        except Exception:
            log.exception("analysing decisions failed")

    async def add(self, decided: Sequence[Ranked]) -> None:
        """Add to each decision what is known of its paths by then; a failure of one is logged."""
        known = await self._analysed([one for one in decided if isinstance(one, StandingTable)])
        slow = {id(one) for one in [one for one in decided if isinstance(one, Scored)][-SLOW:]}
        for one in decided:
            await asyncio.sleep(0)  # webhooks go first
            try:
                if isinstance(one, Scored):
                    if id(one) in slow:
                        await self._scorer.analyse(one)
                elif all(standing in known for standing in one.standings):
                    one.add([known[standing] for standing in one.standings])
            except Exception:
                log.exception("analysis failed", extra={"profile": one.table.profile})

    async def _analysed(self, decided: Sequence[StandingTable]) -> dict[Standing, Analysed]:
        """What is known of the paths of all these decisions: those towards each peer are looked at together."""
        asked: dict[Standing, list[Candidates]] = {}
        for one in decided:
            for standing in one.standings:
                asked.setdefault(standing, []).append(one.candidates)
        found = {}
        for standing, candidates in asked.items():
            analysed = self._known.get(standing) or self._scorer.analysed(standing)
            together = _together(candidates)
            try:
                standing.asked(together.places)
                await analysed.bring_up(together, self._rest, len(decided) > MANY)
            except Exception:
                log.exception("analysis failed", extra={"peer": standing.peer})
                continue
            found[standing] = self._known[standing] = analysed
            self._known.move_to_end(standing)
        while len(self._known) > KNOWN:
            self._known.popitem(last=False)
        return found

    async def _rest(self, began: float) -> None:
        """Rest after work that began then (`time.perf_counter`), while decisions come and none of them is the first."""
        if self._waiting and not self._news.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout((time.perf_counter() - began) * (1.0 / BUSY_SHARE - 1.0)):
                    await self._news.wait()


def _together(candidates: Sequence[Candidates]) -> Candidates:
    """All nodes among these, each once: to mark them takes a twentieth of the time of sorting them."""
    index = candidates[0].index
    marked = np.zeros(len(index), dtype=bool)
    for one in candidates:
        marked[one.places] = True
    return Candidates(index, np.flatnonzero(marked))
