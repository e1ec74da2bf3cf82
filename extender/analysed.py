"""ADF scores and forecasts of the nodes' paths to one peer: computed after the answers, a few paths at a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from extender.analysis import ADF_ROWS, Analyst
from extender.candidates import Candidates, Places
from extender.scoretable import PathTable
from extender.snapshot import Snapshot
from extender.standing import Standing
from extender.tracked import grown
from extender.violations import Violations
from extender.worker import CHUNK_ROWS, lanes
from models.runtime.networks import NAIVE
from scoring.forecast import HORIZON_SLOTS
from scoring.future import future_score

__all__ = ["Analysed", "Found"]

Columns: TypeAlias = dict[str, NDArray[np.float64]]

Rest: TypeAlias = Callable[[float], Awaitable[None]]
"""Awaited after work that began at a time of `time.perf_counter`."""

AT_ONCE: Final = 2
"""Pieces under way: while the threads compute one, the next one's windows are copied."""

_COLUMNS: Final = np.dtype(
    [
        ("moves", np.int64),
        ("looked", np.float64),
        ("adf_score", np.float64),
        ("inverse_sum", np.float64),
        ("forecast_ms", np.float64),
        ("own", np.bool_),
        ("model", np.float64),
        ("naive", np.float64),
        ("brier_model", np.float64),
        ("brier_naive", np.float64),
    ]
)


@dataclass(frozen=True)
class Found:
    """What was analysed of some candidates' paths to one peer, as of one moment."""

    columns: NDArray[np.void]
    points: str
    """The model of point forecasts; empty where all are the naive ones."""
    model: str | None
    """That of violations; empty where there is none, None where no SLA asks for any."""

    def add_to(self, path: PathTable, sla_ms: float | None) -> None:
        """Add it to the candidates' numbers, under the SLA as the pod gave it."""
        c = self.columns
        path.show({"forecast_ms": c["forecast_ms"].copy(), "adf_score": c["adf_score"].copy()})
        if sla_ms is not None:
            path.show({"future_score": future_score(c["inverse_sum"], sla_ms, HORIZON_SLOTS)})
        if not path.decided:
            path.forecaster = [self.points if own else NAIVE.name for own in c["own"].tolist()]
        if self.model is not None:
            path.show(self._violations())

    def _violations(self) -> Columns:
        names = {"violation_naive": "naive"}
        if self.model:
            names |= {"violation_model": "model", "brier_model": "brier_model", "brier_naive": "brier_naive"}
        return {shown: self.columns[name].copy() for shown, name in names.items()}


class Analysed:
    """What decisions show besides their costs; `clock` is the store's, `interval_s` the time between two samples.

    At most as old as the last time that anybody asked for the path, or in a hurry an interval older.
    """

    def __init__(
        self,
        standing: Standing,
        analyst: Analyst,
        violations: Violations,
        clock: Callable[[], float],
        interval_s: float,
    ) -> None:
        self.standing, self._analyst, self._violations = standing, analyst, violations
        self._clock, self._interval_s = clock, interval_s
        self._columns = np.zeros(0, _COLUMNS)
        self._points = ""
        self._model = ""
        self._record = -1
        self._recorded = np.zeros(0, dtype=bool)

    async def bring_up(self, candidates: Candidates, rest: Rest, hurried: bool = False) -> None:
        """Analyse those of these distinct nodes whose paths have moved on since they were last.

        `hurried` leaves it at those that never were, or not within the last interval.
        """
        size, now = len(candidates.index), self._clock()
        if len(self._columns) < size:
            self._columns = grown(self._columns, size)
        places = candidates.places
        self.standing.of(places, now, forecast=self.standing.sla_ms is not None)
        known = self._columns["moves"][places]
        moved = known != self.standing.moves(places)
        self._columns["looked"][places[~moved]] = now
        if hurried:
            moved &= (known == 0) | (self._columns["looked"][places] <= now - self._interval_s)
        stale = places[moved]
        pieces = (stale[begin : begin + ADF_ROWS] for begin in range(0, len(stale), ADF_ROWS))
        await lanes((partial(self._piece, Candidates(candidates.index, piece), rest) for piece in pieces), AT_ONCE)
        if self.standing.sla_ms is not None and self._model:
            await self._add_briers(candidates)

    async def _piece(self, part: Candidates, rest: Rest) -> None:
        began = time.perf_counter()
        await self._analyse(part)
        await rest(began)

    async def _analyse(self, part: Candidates) -> None:
        places, now, sla_ms = part.places, self._clock(), self.standing.sla_ms
        snapshot = self.standing.of(places, now, forecast=sla_ms is not None)
        asked = snapshot.columns[places]
        found = await self._analyst.analyse(self._analyst.copied(asked["row"], now))
        own = [name != NAIVE.name for name in found.forecaster]
        self._points = next((name for name in found.forecaster if name != NAIVE.name), self._points)
        c = self._columns
        c["adf_score"][places], c["inverse_sum"][places] = found.adf_score, found.inverse_sum
        c["forecast_ms"][places], c["own"][places], c["moves"][places] = found.forecast_ms, own, asked["moves"]
        c["looked"][places] = now
        if sla_ms is not None:
            c["model"][places], c["naive"][places], self._model = await self._violated(part, snapshot, sla_ms)

    async def _violated(
        self, part: Candidates, snapshot: Snapshot, sla_ms: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
        """The model's violations, the naive ones, and the model's name: computed only where they are missing."""
        foresight, places = snapshot.foresight, part.places
        missing = snapshot.wanting is not None and bool(snapshot.wanting[places].any())
        if foresight is not None and not missing:
            model = np.where(snapshot.columns["known"][places], foresight.value[places], np.nan)
            return model, snapshot.columns["naive"][places], foresight.name
        found = await self._violations.of(self.standing.gather_now(part.names), sla_ms)
        return found.model, found.naive, found.name

    async def _add_briers(self, candidates: Candidates) -> None:
        """The record changes once an interval; what is known of it is known of all then."""
        skill = self._violations.skill
        if skill.version != self._record:
            self._record = skill.version
            self._columns["brier_model"] = self._columns["brier_naive"] = np.nan
            self._recorded = np.zeros(len(self._columns), dtype=bool)
        self._recorded = grown(self._recorded, len(self._columns))
        missing = candidates.places[~self._recorded[candidates.places]]
        for begin in range(0, len(missing), CHUNK_ROWS):
            part = Candidates(candidates.index, missing[begin : begin + CHUNK_ROWS])
            brier = skill.brier(part.names)
            self._columns["brier_model"][part.places], self._columns["brier_naive"][part.places] = brier
            self._recorded[part.places] = True
            await asyncio.sleep(0)

    def found(self, places: Places) -> Found:
        """What is known of some candidates."""
        return Found(self._columns[places], self._points, None if self.standing.sla_ms is None else self._model)
