"""Scores of candidates towards an intent's peers, from copies of the windows; it changes nothing."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from extender.analysed import Analysed
from extender.analysis import Analyst
from extender.candidates import Candidates, Places
from extender.cluster.base import Resolution
from extender.estimates import Estimator
from extender.evaluate import Evaluation, ReadyForecast, evaluate_with, evaluation_of
from extender.gather import Gathered, RecentPaths, gather, gather_recent
from extender.intents import Intent
from extender.noise import NoiseTable
from extender.scoretable import PathTable, ScoreTable
from extender.snapshot import Snapshot
from extender.standing import Standing
from extender.standings import Standings
from extender.standingtable import Part, StandingTable
from extender.verdicts import PathVerdicts
from extender.violations import NAIVE_NAME, Violations
from extender.windows import WindowStore, as_stored
from scoring.profiles import PROFILES, Profile

__all__ = ["Ranked", "Scored", "Scorer"]

WAIT_SHARE: Final = 0.8
"""Part of the time that is left for which forecasts are waited for: the naive answer takes time too."""


LATE: Final = "forecasts were not ready in time, naive ones answer"


@dataclass(frozen=True)
class Scored:
    """A table of scores, and the paths that it was made from, which the analysis still needs."""

    table: ScoreTable
    gathered: Sequence[Gathered]

    def unknown(self) -> Iterator[tuple[str, str]]:
        """(peer, node) of the paths of which nothing fresh is known."""
        for g in self.gathered:
            for i in np.flatnonzero(~g.paths.known & ~g.itself).tolist():
                yield g.peer, g.names[i]


Ranked: TypeAlias = Scored | StandingTable
"""Scores, and what is still to be added to them after the answer."""


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
        self.standings = Standings(store, noise, violations, fresh_for_s, clock, estimator)

    # -- for the webhooks: what is remembered --------------------------------------------------------------------------

    def promises(
        self, peers: Sequence[str], candidates: Candidates, sla_ms: float, legacy: bool, end: float
    ) -> list[PathVerdicts]:
        """Which candidates keep a promise to each peer, as of now."""
        now, time, found = self._clock(), asyncio.get_running_loop().time, []
        for peer in peers:
            if time() > end:
                raise TimeoutError
            found.append(self.standings.promises(candidates.index, peer, sla_ms, legacy).of(candidates.places, now))
        return found

    async def rank(self, intent: Intent, resolution: Resolution, candidates: Candidates, end: float) -> Ranked:
        """The candidates' scores by the intent's profile, as `score` would have them."""
        name, sla_ms = intent.profile or self._profile, intent.max_rtt_ms
        profile = PROFILES[name]
        if profile.needs_adf or profile.forecast == "points":  # these costs depend on one another
            return await self.score(intent, resolution, candidates.names, end)
        stored = None if sla_ms is None else as_stored(sla_ms)
        forecast = profile.forecast == "violations" and stored is not None
        standings = [self.standings.costs(candidates.index, peer, stored) for peer in resolution.nodes]
        # Before `_parts`, which goes by the past where the model has said nothing.
        late = await self._ask(standings, candidates, end) if forecast else False
        now = self._clock()
        parts = self._parts(standings, candidates.places, now, end, forecast=forecast)
        each = [part.snapshot.costs(candidates.places, by_model=part.by_model) for part in parts]
        evaluation = evaluation_of(each, intent.policy, resolution.weights)
        return StandingTable(candidates, name, sla_ms, evaluation, parts, now, _note(late, evaluation))

    async def _ask(self, standings: Sequence[Standing], candidates: Candidates, end: float) -> bool:
        """Have missing forecasts computed; returns whether some were not ready in time."""
        loop, late, places = asyncio.get_running_loop(), False, candidates.places
        time = loop.time
        until = time() + WAIT_SHARE * max(end - time(), 0.0)
        for standing in standings:
            if time() > end:
                raise TimeoutError
            now = self._clock()
            snapshot = standing.of(places, now, forecast=True)
            if snapshot.wanting is None:
                continue
            which = snapshot.wanting[places]
            missing = int(np.count_nonzero(which))
            loop.call_soon(self._at_hand, snapshot, places, missing)  # behind the answer
            if missing:
                late |= await standing.ask(Candidates(candidates.index, places[which]), now, until)
        return late

    def _at_hand(self, snapshot: Snapshot, places: Places, missing: int) -> None:
        self._violations.at_hand(int(np.count_nonzero(snapshot.columns["known"][places])) - missing)

    def _parts(
        self, standings: Sequence[Standing], places: Places, now: float, end: float, *, forecast: bool
    ) -> list[Part]:
        """The snapshots of one moment."""
        time, parts = asyncio.get_running_loop().time, []
        for standing in standings:
            if time() > end:
                raise TimeoutError
            snapshot = standing.of(places, now, forecast=forecast)
            by_model = snapshot.decided_by_model(places)
            if not by_model:
                snapshot = standing.with_plain(places, now, forecast=forecast)
            parts.append(Part(standing, snapshot, by_model, forecast))
        return parts

    # -- for all others: from the windows ------------------------------------------------------------------------------

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
        note = _note(any(f.late for f in forecasts), evaluation)
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

    def analysed(self, standing: Standing) -> Analysed:
        """What is to be analysed of a peer's paths."""
        return Analysed(standing, self._analyst, self._violations, self._clock, self._store.interval_s)

    async def analyse(self, scored: Scored) -> None:
        """Add ADF, forecasts and, under an SLA, violations of every path to the numbers."""
        analyses = [await self._analyst.analyse(g) for g in scored.gathered]
        sla_ms = scored.table.sla_ms
        violations = (
            [] if sla_ms is None else [await self._violations.of(g, as_stored(sla_ms)) for g in scored.gathered]
        )
        scored.table.add(analyses, violations)


def _note(late: bool, evaluation: Evaluation) -> str:
    """What the scores had to do without."""
    return "; ".join(filter(None, (LATE if late else "", evaluation.note)))
