"""Scores of candidates towards an intent's peers, from copies of the windows; it changes nothing."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from extender.analysis import Analyst
from extender.cluster.base import Resolution
from extender.evaluate import evaluate
from extender.gather import Gathered, gather
from extender.intents import Intent
from extender.noise import NoiseTable
from extender.scoretable import PathTable, ScoreTable
from extender.windows import WindowStore
from scoring.profiles import PROFILES

__all__ = ["Scored", "Scorer"]


@dataclass(frozen=True)
class Scored:
    """A table of scores, and the paths that it was made from, which the analysis still needs."""

    table: ScoreTable
    gathered: Sequence[Gathered]


class Scorer:
    """`end` is always the event loop's time at which the answer must be there; TimeoutError when it has passed."""

    def __init__(
        self,
        store: WindowStore,
        noise: NoiseTable,
        analyst: Analyst,
        profile: str,
        fresh_for_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._store, self._noise, self._analyst = store, noise, analyst
        self._profile, self._fresh_for_s, self._clock = profile, fresh_for_s, clock

    def gather(self, peers: Sequence[str], names: Sequence[str], end: float) -> list[Gathered]:
        """The candidates' paths to every peer, as of now."""
        now, time = self._clock(), asyncio.get_running_loop().time
        found = []
        for peer in peers:
            if time() > end:
                raise TimeoutError
            found.append(gather(self._store, self._noise, peer, names, now, self._fresh_for_s))
        return found

    async def score(
        self,
        intent: Intent,
        resolution: Resolution,
        names: Sequence[str],
        end: float,
        gathered: Sequence[Gathered] | None = None,
    ) -> Scored:
        """The candidates' scores by the intent's profile; expensive parts are computed off the event loop."""
        name = intent.profile or self._profile
        profile = PROFILES[name]
        if gathered is None:
            gathered = self.gather(resolution.nodes, names, end)
        if profile.needs_adf:
            async with asyncio.timeout_at(end):
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
