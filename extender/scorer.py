"""Scores of candidates towards an intent's peers, from copies of the windows; it changes nothing."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from extender.analysis import Analyst
from extender.cluster.base import Resolution
from extender.estimates import Estimator
from extender.evaluate import ReadyForecast, evaluate_with
from extender.gather import Gathered, RecentPaths, gather, gather_recent
from extender.intents import Intent
from extender.noise import NoiseTable
from extender.scoretable import PathTable, ScoreTable
from extender.violations import NAIVE_NAME, Violations
from extender.windows import WindowStore, as_stored
from scoring.profiles import PROFILES, Profile

__all__ = ["Scored", "Scorer"]

WAIT_SHARE: Final = 0.8
"""Part of the time that is left for which forecasts are waited for: the naive answer takes time too."""


@dataclass(frozen=True)
class Scored:
    """A table of scores, and the paths that it was made from, which the analysis still needs."""

    table: ScoreTable
    gathered: Sequence[Gathered]


@dataclass(frozen=True)
class _Forecast:
    """What was forecast for one peer, and who did it."""

    forecast: ReadyForecast | None
    forecaster: Sequence[str]
    late: bool = False


class Scorer:
    """`end` is always the event loop's time at which the answer must be there; TimeoutError when it has passed."""

    def __init__(
        self,
        store: WindowStore,
        noise: NoiseTable,
        analyst: Analyst,
        violations: Violations,
        profile: str,
        fresh_for_s: float,
        clock: Callable[[], float],
        estimator: Estimator | None = None,
    ) -> None:
        self._store, self._noise, self._analyst, self._violations = store, noise, analyst, violations
        self._profile, self._fresh_for_s, self._clock = profile, fresh_for_s, clock
        self.estimator = estimator

    def gather(self, peers: Sequence[str], names: Sequence[str], end: float) -> list[Gathered]:
        """The candidates' paths to every peer, as of now."""
        now, time = self._clock(), asyncio.get_running_loop().time
        found = []
        for peer in peers:
            if time() > end:
                raise TimeoutError
            found.append(gather(self._store, self._noise, peer, names, now, self._fresh_for_s, self.estimator))
        return found

    def gather_one(self, peer: str, names: Sequence[str]) -> Gathered:
        """The candidates' paths to one peer, as of now, however long it takes."""
        return self.gather((peer,), names, np.inf)[0]

    def recent(self, peer: str, names: Sequence[str]) -> RecentPaths:
        """The last raw samples of the candidates' paths to one peer, as of now."""
        return gather_recent(self._store, peer, names, self._clock(), self._fresh_for_s)

    async def score(
        self,
        intent: Intent,
        resolution: Resolution,
        names: Sequence[str],
        end: float,
        gathered: Sequence[Gathered] | None = None,
    ) -> Scored:
        """The candidates' scores by the intent's profile; expensive parts are computed off the event loop."""
        name, sla_ms = intent.profile or self._profile, intent.max_rtt_ms
        profile = PROFILES[name]
        if gathered is None:
            gathered = self.gather(resolution.nodes, names, end)
        if profile.needs_adf:
            async with asyncio.timeout_at(end):
                gathered = [await self._with_adf(g) for g in gathered]
        forecasts = await self._forecasts(gathered, profile, sla_ms, end)
        ready = [f.forecast for f in forecasts] or [None] * len(gathered)
        evaluation = evaluate_with(gathered, profile, sla_ms, intent.policy, resolution.weights, ready)
        paths = [PathTable.of(g) for g in gathered]
        for path, forecast in zip(paths, forecasts, strict=False):
            path.decided_by(forecast.forecaster)
        late = "forecasts were not ready in time, naive ones answer" if any(f.late for f in forecasts) else ""
        note = "; ".join(filter(None, (late, evaluation.note)))
        return Scored(ScoreTable(names, name, sla_ms, evaluation, paths, note), gathered)

    async def _with_adf(self, gathered: Gathered) -> Gathered:
        adf_score = await self._analyst.adf_scores(gathered)
        return replace(gathered, paths=replace(gathered.paths, adf_score=np.nan_to_num(adf_score)))

    async def _forecasts(
        self, gathered: Sequence[Gathered], profile: Profile, sla_ms: float | None, end: float
    ) -> list[_Forecast]:
        """A forecast for each peer, if the profile needs any; what is not ready in time is left to the naive rules."""
        now = asyncio.get_running_loop().time()
        until = now + WAIT_SHARE * max(end - now, 0.0)
        if profile.forecast == "points":
            return [await self._points(g, until) for g in gathered]
        if profile.forecast == "violations" and sla_ms is not None:
            return [await self._of_sla(g, as_stored(sla_ms), until) for g in gathered]
        return []

    async def _points(self, gathered: Gathered, until: float) -> _Forecast:
        try:
            async with asyncio.timeout_at(until):
                rtt_ms, forecaster = await self._analyst.points(gathered)
        except TimeoutError:
            return _Forecast(None, [NAIVE_NAME] * len(gathered.names), late=True)
        return _Forecast(ReadyForecast(rtt_ms, gathered.paths.measured), forecaster)

    async def _of_sla(self, gathered: Gathered, sla_ms: float, until: float) -> _Forecast:
        """The violations of each path; where no path has a model's, the profile answers as if there were none."""
        found = await self._violations.of(gathered, sla_ms, until, keep_fresh=True)
        if not found.by_model.any():
            return _Forecast(None, found.forecaster, found.late)
        ready = ReadyForecast.of_violations(found.value, gathered.paths.measured, sla_ms)
        return _Forecast(ready, found.forecaster, found.late)

    async def analyse(self, scored: Scored) -> None:
        """Add ADF, forecasts and, under an SLA, violations of every path to the numbers."""
        analyses = [await self._analyst.analyse(g) for g in scored.gathered]
        sla_ms = scored.table.sla_ms
        violations = (
            [] if sla_ms is None else [await self._violations.of(g, as_stored(sla_ms)) for g in scored.gathered]
        )
        scored.table.add(analyses, violations)
