"""Forecast violations of an SLA: from memory, else computed within the deadline, else the naive ones.

Off the event loop, a few rows at a time; what comes too late for its asker is there for the next one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.gather import Gathered
from extender.metrics import Metrics
from extender.skill import Skill
from extender.violationtable import Places, ViolationTable, ViolationTables
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


@dataclass(frozen=True)
class _Ask:
    """One question: k known ones of the gathered paths under an SLA, asked of the models of one moment."""

    table: ViolationTable
    gathered: Gathered
    known: Places
    """[k] places among the gathered."""
    names: Sequence[str]
    sla_ms: float
    models: Models


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
        naive = naive_violation(gathered.paths, sla_ms)
        ask = self._ask(gathered, sla_ms)
        if ask is None:
            return PathViolations.without_model(sla_ms, naive)
        if keep_fresh:
            ask.table.asked(ask.table.places(ask.names), self._clock())
        late = await self._fill(ask, until)
        return self._answer(ask, naive, late)

    def models(self) -> Models:
        """The models that answer now."""
        models = self._models()
        if models.estimator is not self._estimator:
            self._estimator = models.estimator
            self._skill.reset()  # another estimator begins with a clean record
        return models

    def _ask(self, gathered: Gathered, sla_ms: float) -> _Ask | None:
        """The question, or None where no model could answer it. Names that nobody measures are not remembered."""
        models = self.models()
        if models.estimator is None:
            return None
        table = self.tables.of(gathered.peer, sla_ms)
        known = np.flatnonzero(gathered.paths.known)
        names = [gathered.names[i] for i in known.tolist()]
        table.places(names)
        self.tables.shrink()
        return _Ask(table, gathered, known, names, sla_ms, models)

    def _answer(self, ask: _Ask, naive: Floats, late: bool) -> PathViolations:
        places = ask.table.places(ask.names)  # again, as the table may have been pruned while this call waited
        fresh = ask.table.fresh(places, ask.models.generation, self._since())
        model = np.full(len(naive), np.nan)
        model[ask.known] = np.where(fresh, ask.table.values(places), np.nan)
        self._skill.record(ask.gathered, ask.sla_ms, model, naive, self._clock())
        by_model = ~np.isnan(model) & self._skill.trusted(ask.gathered.names)
        name = ask.models.estimator.name if ask.models.estimator else ""
        return PathViolations(ask.sla_ms, model, naive, by_model, name, self._skill.brier(ask.gathered.names), late)

    def _since(self) -> float:
        return self._clock() - FRESH_INTERVALS * self._store.interval_s

    async def _fill(self, ask: _Ask, until: float | None) -> bool:
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

    def _missing(self, ask: _Ask) -> Places:
        """Which of the known paths have no fresh forecast: places among them.

        Where the model could not say anything, as of a path with few samples, it is asked again with each new one.
        """
        places = ask.table.places(ask.names)
        silent = np.isnan(ask.table.values(places)) & self._moved(ask, places)
        return np.flatnonzero(~ask.table.fresh(places, ask.models.generation, self._since()) | silent)

    def _moved(self, ask: _Ask, places: Places) -> NDArray[np.bool_]:
        rows = ask.gathered.rows[ask.known]
        return ask.table.moved(places, ask.models.generation, rows, self._store.version(rows))

    async def _computed(self, ask: _Ask, missing: Places) -> None:
        """Wait for the computation that is under way, or for one of our own; it goes on if nobody waits any more."""
        if ask.table.job is None or ask.table.job.done():
            ask.table.job = self._worker.start(self._compute(ask, missing, "asked"))
        await asyncio.shield(ask.table.job)

    async def refresh(self, gathered: Gathered, sla_ms: float, rest: Rest) -> None:
        """Compute those whose window has moved on, and rest in between."""
        ask = self._ask(gathered, sla_ms)
        if ask is None:
            return
        moved = self._moved(ask, ask.table.places(ask.names))
        await self._compute(ask, np.flatnonzero(moved), "refreshed", rest)

    def review(self, gathered: Gathered, sla_ms: float) -> None:
        """Have what is remembered of these paths scored once it is known what came."""
        if (ask := self._ask(gathered, sla_ms)) is not None:
            self._answer(ask, naive_violation(gathered.paths, sla_ms), late=False)

    async def _compute(self, ask: _Ask, which: Places, why: str, rest: Rest | None = None) -> None:
        """Compute some of the known paths and keep the results; `rest` is awaited with the seconds of each piece."""
        assert ask.models.estimator is not None
        for begin in range(0, len(which), CHUNK_ROWS):
            part = which[begin : begin + CHUNK_ROWS]
            rows = ask.gathered.rows[ask.known[part]]
            version = self._store.version(rows)
            paths = ask.gathered.paths.take(ask.known[part])
            values, seconds = await self._worker.run(partial(_timed, ask.models.estimator, paths, ask.sla_ms))
            places = ask.table.places([ask.names[i] for i in part.tolist()])
            ask.table.put(places, values, ask.models.generation, rows, version, self._clock())
            self._metrics.forecast_seconds.inc(seconds)
            self._metrics.forecast_rows.labels(why).inc(len(part))
            if rest is not None:
                await rest(seconds)


def _timed(estimator: ViolationEstimator, paths: Paths, sla_ms: float) -> tuple[Floats, float]:
    """[n] violations and how long they took; NaN, and a line in the log, where the model fails."""
    began = time.perf_counter()
    try:
        values = estimator.violation(paths, sla_ms)
    except Exception as e:
        log.error("a model failed; the naive forecast answers", extra={"model": estimator.name, "why": e})
        values = np.full(len(paths.windows), np.nan)
    return values, time.perf_counter() - began
