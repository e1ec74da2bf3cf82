"""Whether the model of violations earns its place: what was forecast is compared with what came, node by node.

Both forecasts are scored whoever answers, so that a model that lost can win again.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.gather import Direction, Gathered
from extender.metrics import Metrics
from extender.windows import WindowStore
from scoring import skill
from scoring.forecast import HORIZON_SLOTS

__all__ = ["APART_SLOTS", "Skill"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

APART_SLOTS: Final = 5
"""Between two batches of one peer and SLA: outcomes one slot apart would be nearly the same one."""

BATCH_ROWS: Final = 1000
"""Forecasts that are scored in one step of the event loop: about a millisecond."""

ROWS: Final = 200_000
"""Forecasts that wait for their outcome at most; the oldest are dropped."""

_FORGOTTEN: Final = 0.01
"""Weight below which a node is forgotten."""


@dataclass(frozen=True)
class _Batch:
    """Forecasts of one moment."""

    due: float
    peer: str
    sla_ms: float
    names: Sequence[str]
    reverse: Bools
    model: NDArray[np.float32]
    naive: NDArray[np.float32]


class Skill:
    """The record of the model against the naive forecast, for each candidate's own paths and for all of them."""

    def __init__(self, store: WindowStore, metrics: Metrics) -> None:
        self._store, self._metrics = store, metrics
        self._interval_s = store.interval_s
        self.version = 0
        """Changes whenever somebody else may answer for a candidate."""
        self.reset()

    def reset(self) -> None:
        """Begin anew: another model answers."""
        self._waiting: deque[_Batch] = deque()
        self._rows = 0
        self._last: dict[tuple[str, float], float] = {}
        self._index: dict[str, int] = {}
        self._sums: Floats = np.zeros((3, 0))
        self._own: Bools = np.zeros(0, dtype=bool)
        self._overall = np.array([True])
        self._at: float | None = None
        self.version += 1
        self._show()

    def due(self, peer: str, sla_ms: float, now: float) -> bool:
        """Whether forecasts towards a peer under an SLA are to be remembered again."""
        return now - self._last.get((peer, sla_ms), -np.inf) >= APART_SLOTS * self._interval_s

    def record(self, gathered: Gathered, sla_ms: float, model: Floats, naive: Floats, now: float) -> None:
        """Remember forecasts ([n], NaN where there is none) until their horizon is over; not more than now and then.

        Several parts of a peer's candidates may be recorded one after the other with the same `now`.
        """
        if not (self.due(gathered.peer, sla_ms, now) or self._last.get((gathered.peer, sla_ms)) == now):
            return
        some = np.flatnonzero(np.isfinite(model) & np.isfinite(naive))
        if not some.size:
            return
        self._last[gathered.peer, sla_ms] = now
        due = now + HORIZON_SLOTS * self._interval_s
        for begin in range(0, some.size, BATCH_ROWS):
            part = some[begin : begin + BATCH_ROWS]
            reverse = gathered.direction[part] == Direction.REVERSE
            names = [gathered.names[i] for i in part.tolist()]
            values = (model[part].astype(np.float32), naive[part].astype(np.float32))
            self._waiting.append(_Batch(due, gathered.peer, sla_ms, names, reverse, *values))
            self._rows += len(names)
        while self._rows > ROWS and len(self._waiting) > 1:
            self._rows -= len(self._waiting.popleft().names)

    def settling(self, now: float) -> Iterator[None]:
        """Score the forecasts whose horizon is over, and decide anew who answers for whom.

        In steps: who holds the event loop may let others have it in between.
        """
        self._fade(now)
        for batch in self._due(now):
            came = self._came(batch, now)
            both = np.stack([skill.brier(batch.model, came), skill.brier(batch.naive, came)])
            known = ~np.isnan(came)
            self._add([name for name, k in zip(batch.names, known.tolist(), strict=True) if k], both[:, known])
            yield
        self._decide()
        self._last = {key: at for key, at in self._last.items() if now - at < APART_SLOTS * self._interval_s}
        self._show()

    def _due(self, now: float) -> Iterator[_Batch]:
        while self._waiting and self._waiting[0].due <= now:
            batch = self._waiting.popleft()
            self._rows -= len(batch.names)
            yield batch

    def _came(self, batch: _Batch, now: float) -> Floats:
        """[n] outcomes, from the windows of the paths that were forecast."""
        forward = self._store.rows_to(batch.peer, batch.names)
        backward = self._store.rows_from(batch.peer, batch.names)
        windows = self._store.windows(np.where(batch.reverse, backward, forward), now)
        late_slots = int((now - batch.due) / self._interval_s)
        return skill.outcome(windows, batch.sla_ms, late_slots)

    def _fade(self, now: float) -> None:
        if self._at is not None:
            self._sums *= skill.decayed((now - self._at) / self._interval_s)
        self._at = now

    def _add(self, names: Sequence[str], scores: Floats) -> None:
        """Add [2, n] Brier scores of candidates, which are distinct within a batch."""
        places = [self._index.setdefault(name, len(self._index)) for name in names]
        more = len(self._index) - self._sums.shape[1]
        self._sums = np.pad(self._sums, ((0, 0), (0, more)))
        self._own = np.pad(self._own, (0, more), constant_values=bool(self._overall[0]))
        self._sums[:, places] += np.vstack([np.ones(len(names)), scores])

    def _decide(self) -> None:
        """Who answers: each node by its own record where that is long enough, else by that of all."""
        self._forget()
        weight, model, naive = self._sums.sum(axis=1, keepdims=True)
        self._overall = skill.trusted(self._overall, skill.skill(model, naive), weight)
        self.version += 1
        before = np.where(self._sums[0] >= skill.ENOUGH, self._own, self._overall[0])
        self._own = skill.trusted(before, skill.skill(self._sums[1], self._sums[2]), self._sums[0])

    def _forget(self) -> None:
        keep = self._sums[0] >= _FORGOTTEN
        if keep.all():
            return
        kept = keep.tolist()
        names = sorted((n for n, place in self._index.items() if kept[place]), key=self._index.__getitem__)
        self._index = {name: i for i, name in enumerate(names)}
        self._sums, self._own = self._sums[:, keep], self._own[keep]

    def trusted(self, names: Sequence[str]) -> Bools:
        """[n]: whether the model may answer for these candidates."""
        overall, own, index = bool(self._overall[0]), self._own.tolist(), self._index
        return np.fromiter(
            (overall if (place := index.get(name)) is None else own[place] for name in names), np.bool_, len(names)
        )

    def brier(self, names: Sequence[str]) -> tuple[Floats, Floats]:
        """[n] mean Brier scores of these candidates' paths, the model's and the naive forecast's; NaN where unknown."""
        places = np.fromiter((self._index.get(name, -1) for name in names), np.intp, len(names))
        sums = np.hstack([self._sums, np.zeros((3, 1))])[:, places]
        weight = np.where(sums[0] > 0, sums[0], np.nan)
        return sums[1] / weight, sums[2] / weight

    def _show(self) -> None:
        weight, model, naive = self._sums.sum(axis=1)
        shown = weight > 0
        self._metrics.forecast_brier.labels("model").set(model / weight if shown else np.nan)
        self._metrics.forecast_brier.labels("naive").set(naive / weight if shown else np.nan)
        ratio = skill.skill(np.array(model), np.array(naive))
        self._metrics.forecast_skill.set(float(ratio) if shown else np.nan)
        own = int(self._own.sum())
        self._metrics.forecast_groups.labels("model").set(own)
        self._metrics.forecast_groups.labels("naive").set(len(self._own) - own)
