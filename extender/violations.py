"""Forecast violations of an SLA: from memory, else computed within the deadline, else the naive ones.

Off the event loop, a few rows at a time; what comes too late for its asker is there for the next one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.gather import Gathered
from extender.metrics import Metrics
from extender.question import Ask
from extender.skill import Skill
from extender.violationtable import Places, ViolationTables
from extender.windows import WindowStore
from extender.worker import CHUNK_ROWS, Worker
from models.holder import Models
from models.runtime.estimator import ViolationEstimator
from neilats.log import get_logger
from scoring.attainment import naive_violation
from scoring.paths import Paths

__all__ = ["FRESH_INTERVALS", "NAIVE_NAME", "PathViolations", "Violations"]

log = get_logger("extender.violations")

Floats = NDArray[np.float64]

Rest = Callable[[float], Awaitable[None]]
"""Awaited after work that took so many seconds."""

FRESH_INTERVALS: Final = 2
"""A forecast of at most this age is served without waiting: of the thirty slots ahead, it has missed two."""

NAIVE_NAME: Final = "naive"

_ROUNDS: Final = 4
"""Computations that one call waits for at most: others' that began before, and its own."""


@dataclass(frozen=True)
class PathViolations:
    """[n] for gathered paths, under one SLA: P(RTT > SLA) over the horizon; NaN where unknown."""

    sla_ms: float
    model: Floats
    naive: Floats
    by_model: NDArray[np.bool_]
    """[n]: where the model's counts: it says something, and has not lost to the naive one."""
    name: str
    """The model's; empty where there is none."""
    brier: tuple[Floats, Floats]
    """[n] of the model and of the naive forecast: their mean squared errors so far, for each candidate; NaN: none."""
    late: bool = False
    """Whether some of the model's were not ready in time."""

    @classmethod
    def without_model(cls, sla_ms: float, naive: Floats) -> "PathViolations":
        """The naive ones alone."""
        unknown = np.full(len(naive), np.nan)
        return cls(sla_ms, unknown, naive, np.zeros(len(naive), dtype=bool), "", (unknown, unknown))

    @property
    def forecaster(self) -> list[str]:
        """[n]: whose counts."""
        return [self.name if ours else NAIVE_NAME for ours in self.by_model.tolist()]

    @property
    def value(self) -> Floats:
        """[n]: what counts."""
        return np.where(self.by_model, self.model, self.naive)


class Violations:
    """Remembers and computes; `clock` is the store's."""

    def __init__(
        self,
        store: WindowStore,
        models: Callable[[], Models],
        worker: Worker,
        skill: Skill,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._store, self._models, self._worker = store, models, worker
        self._skill, self._metrics, self._clock = skill, metrics, clock
        self._estimator: ViolationEstimator | None = None
        self.skill = skill
        self.tables = ViolationTables()

    async def of(
        self, gathered: Gathered, sla_ms: float, until: float | None = None, *, keep_fresh: bool = False
    ) -> PathViolations:
        """Violations of the gathered paths, those that are not ready by `until` (the event loop's time) being naive.

        `keep_fresh` has them computed ahead from now on. It never raises for what goes wrong in a model.
        """
        await _step(gathered)
        naive = naive_violation(gathered.paths, sla_ms)
        await _step(gathered)
        ask = self._ask(gathered, sla_ms)
        if ask is None:
            return PathViolations.without_model(sla_ms, naive)
        if keep_fresh:
            ask.table.asked(ask.places, self._clock())
        await _step(gathered)
        late = await self._fill(ask, until)
        return self._answer(ask, naive, late)

    def at_hand(self, count: int) -> None:
        """So many forecasts were served from what is remembered elsewhere."""
        self._metrics.forecast_cache.labels("hit").inc(count)

    def models(self) -> Models:
        """The models that answer now."""
        models = self._models()
        if models.estimator is not self._estimator:
            self._estimator = models.estimator
            self._skill.reset()  # another estimator begins with a clean record
        return models

    def _ask(self, gathered: Gathered, sla_ms: float) -> Ask | None:
        """The question, or None where no model could answer it. Names that nobody measures are not remembered."""
        models = self.models()
        if models.estimator is None:
            return None
        table = self.tables.of(gathered.peer, sla_ms)
        known = np.flatnonzero(gathered.paths.known)
        names = [gathered.names[i] for i in known.tolist()]
        places = table.places(names)
        self.tables.shrink()
        return Ask(table, gathered, known, names, sla_ms, models, gathered.version[known], places, table.pruned)

    def _remembered(self, ask: Ask) -> Floats:
        """[n] fresh forecasts of the gathered paths; NaN where there is none."""
        fresh = ask.table.fresh(ask.places, ask.models.generation, self._since())
        model = np.full(len(ask.gathered.names), np.nan)
        model[ask.known] = np.where(fresh, ask.table.values(ask.places), np.nan)
        return model

    def _answer(self, ask: Ask, naive: Floats, late: bool) -> PathViolations:
        model = self._remembered(ask)
        self._skill.record(ask.gathered, ask.sla_ms, model, naive, self._clock())
        by_model = ~np.isnan(model) & self._skill.trusted(ask.gathered.names)
        name = ask.models.estimator.name if ask.models.estimator else ""
        return PathViolations(ask.sla_ms, model, naive, by_model, name, self._skill.brier(ask.gathered.names), late)

    def _since(self) -> float:
        return self._clock() - FRESH_INTERVALS * self._store.interval_s

    async def _fill(self, ask: Ask, until: float | None) -> bool:
        """Have what is missing computed; returns whether that was not done in time."""
        missing = self._missing(ask)
        self._metrics.forecast_cache.labels("hit").inc(len(ask.names) - missing.size)
        self._metrics.forecast_cache.labels("miss").inc(missing.size)
        try:
            async with asyncio.timeout_at(until):
                for _ in range(_ROUNDS):
                    if not missing.size:
                        return False
                    await self._computed(ask, missing)
                    missing = self._missing(ask)
        except TimeoutError:
            self._metrics.forecast_cache.labels("late").inc(self._missing(ask).size)
            return True
        return bool(missing.size)

    def _missing(self, ask: Ask) -> Places:
        """Which of the known paths have no fresh forecast: places among them.

        Where the model could not say anything, as of a path with few samples, it is asked again with each new one.
        """
        places = ask.places
        silent = np.isnan(ask.table.values(places)) & self._moved(ask, places)
        return np.flatnonzero(~ask.table.fresh(places, ask.models.generation, self._since()) | silent)

    def _moved(self, ask: Ask, places: Places) -> NDArray[np.bool_]:
        rows = ask.gathered.rows[ask.known]
        return ask.table.moved(places, ask.models.generation, rows, self._store.version(rows))

    async def _computed(self, ask: Ask, missing: Places) -> None:
        """Wait for the computation that is under way, or for one of our own; it goes on if nobody waits any more."""
        if ask.table.job is None or ask.table.job.done():
            ask.table.job = self._worker.start(self._compute(ask, missing, "asked"))
        await asyncio.shield(ask.table.job)

    async def refresh(self, gathered: Gathered, sla_ms: float, rest: Rest) -> None:
        """Compute those whose window has moved on, and rest in between."""
        ask = self._ask(gathered, sla_ms)
        if ask is None:
            return
        which = np.flatnonzero(self._moved(ask, ask.places))
        for begin in range(0, len(which), CHUNK_ROWS):
            await rest(await self._piece(ask, which[begin : begin + CHUNK_ROWS], "refreshed"))

    def review(self, gathered: Gathered, sla_ms: float, at: float) -> None:
        """Have what is remembered of these paths at that time scored once it is known what came."""
        if (ask := self._ask(gathered, sla_ms)) is not None:
            model, naive = self._remembered(ask), naive_violation(gathered.paths, sla_ms)
            self._skill.record(gathered, sla_ms, model, naive, at)

    async def _compute(self, ask: Ask, which: Places, why: str) -> None:
        """Compute some of the known paths and keep the results."""

        async def piece(part: Places) -> None:
            await self._piece(ask, part, why)

        parts = (which[begin : begin + CHUNK_ROWS] for begin in range(0, len(which), CHUNK_ROWS))
        await self._worker.each(partial(piece, part) for part in parts)

    async def _piece(self, ask: Ask, part: Places, why: str) -> float:
        """Compute and keep a few of them; returns the seconds that it took."""
        assert ask.models.estimator is not None
        chosen = ask.known[part]
        work = partial(_timed, ask.models.estimator, ask.gathered.paths, chosen, ask.sla_ms)
        values, seconds = await self._worker.run(work)
        rows, generation = ask.gathered.rows[chosen], ask.models.generation
        ask.table.put(ask.places[part], values, generation, rows, ask.version[part], self._clock())
        self._metrics.forecast_seconds.inc(seconds)
        self._metrics.forecast_rows.labels(why).inc(len(part))
        return seconds


async def _step(gathered: Gathered) -> None:
    """Let others have the event loop where what follows, and what was before, takes a millisecond or two each."""
    if len(gathered.names) > CHUNK_ROWS:
        await asyncio.sleep(0)


def _timed(estimator: ViolationEstimator, paths: Paths, chosen: Places, sla_ms: float) -> tuple[Floats, float]:
    """[n] violations of the chosen paths, and how long they took; NaN, and a line in the log, where the model fails."""
    began = time.perf_counter()
    try:
        values = estimator.violation(paths.take(chosen), sla_ms)
    except Exception as e:
        log.error("a model failed; the naive forecast answers", extra={"model": estimator.name, "why": e})
        values = np.full(len(chosen), np.nan)
    return values, time.perf_counter() - began
