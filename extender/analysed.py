"""ADF scores and forecasts of the nodes' paths to one peer: computed after the answers, a few paths at a time."""

import asyncio
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.analysis import Analyst
from extender.candidates import Candidates, Places
from extender.scoretable import PathTable
from extender.standing import Standing
from extender.tracked import grown
from extender.violations import Violations
from extender.worker import CHUNK_ROWS
from models.runtime.networks import NAIVE
from scoring.forecast import HORIZON_SLOTS
from scoring.future import future_score

__all__ = ["Analysed"]

_COLUMNS: Final = np.dtype(
    [
        ("moves", np.int64),
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


class Analysed:
    """What decisions show besides their costs; at most as old as the last time that anybody asked for the path."""

    def __init__(self, standing: Standing, analyst: Analyst, violations: Violations) -> None:
        self.standing, self._analyst, self._violations = standing, analyst, violations
        self._columns = np.zeros(0, _COLUMNS)
        self._points = ""
        self._model = ""
        self._record = -1
        self._recorded = np.zeros(0, dtype=bool)

    async def bring_up(self, candidates: Candidates) -> None:
        """Analyse those of these distinct nodes whose paths have moved on since they were last."""
        size = len(candidates.index)
        if len(self._columns) < size:
            self._columns = grown(self._columns, size)
        places = candidates.places
        stale = places[self._columns["moves"][places] != self.standing.moves(places)]
        for begin in range(0, len(stale), CHUNK_ROWS):
            await self._analyse(Candidates(candidates.index, stale[begin : begin + CHUNK_ROWS]))
        if self.standing.sla_ms is not None and self._model:
            await self._add_briers(candidates)

    async def _analyse(self, part: Candidates) -> None:
        places, moves = part.places, self.standing.moves(part.places)
        gathered = self.standing.gather_now(part.names)
        found = await self._analyst.analyse(gathered)
        own = [name != NAIVE.name for name in found.forecaster]
        self._points = next((name for name in found.forecaster if name != NAIVE.name), self._points)
        c = self._columns
        c["adf_score"][places], c["inverse_sum"][places] = found.adf_score, found.inverse_sum
        c["forecast_ms"][places], c["own"][places], c["moves"][places] = found.forecast_ms, own, moves
        if self.standing.sla_ms is not None:
            violations = await self._violations.of(gathered, self.standing.sla_ms)
            c["model"][places], c["naive"][places], self._model = violations.model, violations.naive, violations.name

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

    def add_to(self, path: PathTable, places: Places, sla_ms: float | None) -> None:
        """Add what was computed to the numbers of some candidates, under the SLA as the pod gave it."""
        c = self._columns[places]
        path.show({"forecast_ms": c["forecast_ms"], "adf_score": c["adf_score"]})
        if sla_ms is not None:
            path.show({"future_score": future_score(c["inverse_sum"], sla_ms, HORIZON_SLOTS)})
        if not path.decided:
            path.forecaster = [self._points if own else NAIVE.name for own in c["own"].tolist()]
        if self.standing.sla_ms is not None:
            path.show(self._violation_columns(c))

    def _violation_columns(self, c: NDArray[np.void]) -> dict[str, NDArray[np.float64]]:
        columns = {"violation_naive": c["naive"]}
        if self._model:
            columns |= {"violation_model": c["model"], "brier_model": c["brier_model"], "brier_naive": c["brier_naive"]}
        return columns
