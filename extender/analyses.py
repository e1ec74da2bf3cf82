"""Adds ADF scores, forecasts and violations to what decisions show, each path's computed once for all of them."""

import asyncio
from collections.abc import Sequence

import numpy as np

from extender.analysed import Analysed
from extender.candidates import Candidates
from extender.scorer import Ranked, Scored, Scorer
from extender.standing import Standing
from extender.standingtable import StandingTable
from neilats.log import get_logger

__all__ = ["Analyses"]

log = get_logger("extender.analyses")


class Analyses:
    """Analyses decisions that were made a moment ago."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._known: dict[Standing, Analysed] = {}

    async def add(self, decided: Sequence[Ranked]) -> None:
        """Add to each decision what is known of its paths by then; a failure of one is logged."""
        known = await self._analysed([one for one in decided if isinstance(one, StandingTable)])
        for one in decided:
            await asyncio.sleep(0)  # webhooks go first
            try:
                if isinstance(one, Scored):
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
            places = np.unique(np.concatenate([c.places for c in candidates]))
            try:
                standing.asked(places)
                await analysed.bring_up(Candidates(candidates[0].index, places))
            except Exception:
                log.exception("analysis failed", extra={"peer": standing.peer})
                continue
            found[standing] = analysed
        if found:
            self._known = found
        return found
