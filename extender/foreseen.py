"""What models have forecast of the nodes' paths to one peer under one SLA, as an array over the nodes' places."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extender.candidates import NodeIndex
from extender.violations import FRESH_INTERVALS, Violations
from extender.violationtable import Places, ViolationTable

__all__ = ["Foreseen", "Foresight"]


@dataclass(frozen=True, eq=False)
class Foresight:
    """[places] of an index, as of one moment; never changed, as decisions refer to it."""

    name: str
    """The model's; empty where there is none."""
    value: NDArray[np.float64]
    """P(RTT > SLA) over the horizon; NaN where the model says nothing, or said it too long ago."""
    fresh: NDArray[np.bool_]
    """Where it was asked lately, even if it said nothing."""
    trusted: NDArray[np.bool_]
    """Where it may answer."""


class Foreseen:
    """Follows the table that the computed violations are kept in."""

    def __init__(self, violations: Violations, index: NodeIndex, peer: str, sla_ms: float, interval_s: float) -> None:
        self._violations, self._index, self._peer, self._sla_ms = violations, index, peer, sla_ms
        self._fresh_for_s = FRESH_INTERVALS * interval_s
        self._table: ViolationTable | None = None
        self._layout = (-1, -1)
        self._places: Places = np.zeros(0, np.intp)
        self._record = (-1, -1)
        self._state: tuple[object, ...] = ()
        self._until = -np.inf
        self._now = _nothing(0)

    def of(self, now: float) -> Foresight:
        """What is known now; the same object as long as nothing has changed."""
        models = self._violations.models()
        if models.estimator is None:
            if self._now.name or len(self._now.value) != len(self._index):
                self._now, self._state, self._record = _nothing(len(self._index)), (), (-1, -1)
            return self._now
        table = self._violations.tables.of(self._peer, self._sla_ms)
        state = (table, table.layout, table.writes, models.generation, self._violations.skill.version, len(self._index))
        if state != self._state or now >= self._until:
            self._state = state
            self._read(table, models.generation, models.estimator.name, now)
        return self._now

    def asked(self, places: Places, now: float) -> None:
        """Somebody was answered by these, and may ask again: they are computed ahead."""
        # Elsewhere in the table others may have been forgotten meanwhile; the next look finds the places again.
        if self._table is not None and self._layout == (self._table.layout, len(self._index)):
            found = self._places[places[places < len(self._places)]]
            self._table.asked(found[found >= 0], now)

    def _read(self, table: ViolationTable, generation: int, name: str, now: float) -> None:
        self._find(table)
        value, made_by, at = table.computed(self._places)
        fresh = (made_by == generation) & (at >= now - self._fresh_for_s)
        self._until = float(np.nextafter(at[fresh] + self._fresh_for_s, np.inf).min(initial=np.inf))
        record = (self._violations.skill.version, len(self._index))
        trusted = self._now.trusted
        if record != self._record:
            self._record = record
            trusted = self._violations.skill.trusted(self._index.names)
        self._now = Foresight(name, np.where(fresh, value, np.nan), fresh, trusted)

    def _find(self, table: ViolationTable) -> None:
        layout = (table.layout, len(self._index))
        if table is not self._table or layout != self._layout:
            self._table, self._layout = table, layout
            self._places = table.find(self._index.names)


def _nothing(n: int) -> Foresight:
    return Foresight("", np.full(n, np.nan), np.zeros(n, dtype=bool), np.zeros(n, dtype=bool))
