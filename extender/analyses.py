"""Adds ADF scores, forecasts and violations to what decisions show, each path's computed once for all of them."""

from collections.abc import Sequence

from extender.analysed import Analysed
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
        used: dict[Standing, Analysed] = {}
        for one in decided:
            try:
                if isinstance(one, Scored):
                    await self._scorer.analyse(one)
                else:
                    await self._add(one, used)
            except Exception:
                log.exception("analysis failed", extra={"profile": one.table.profile})
        self._known = used or self._known

    async def _add(self, one: StandingTable, used: dict[Standing, Analysed]) -> None:
        for standing in one.standings:
            if standing not in used:
                used[standing] = self._known.get(standing) or self._scorer.analysed(standing)
            await used[standing].bring_up(one.candidates)
        one.add([used[standing] for standing in one.standings])
