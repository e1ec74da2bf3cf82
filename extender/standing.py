"""How the nodes stand towards one peer under one SLA: their costs, remembered until their paths move on.

What a cost is made of depends on the path alone and on the time. It is computed when a sample comes, and otherwise when
the window moves on by time or grows stale, so that what decays with time (the weight of the long memory, the noise of a
node's other links) is at most one slot old. What depends on the set of candidates is worked out for each call.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.candidates import Candidates, NodeIndex, Places
from extender.estimates import Estimator
from extender.foreseen import Foreseen, Foresight
from extender.gather import Direction, Gathered, gather
from extender.noise import NoiseTable
from extender.shown import Shown
from extender.tracked import Slack, Tracked, grown
from extender.violations import Violations
from extender.windows import WindowStore
from scoring.attainment import attainment, naive_violation
from scoring.costs import THIN_SAMPLES, Costs, Status, Unit
from scoring.estimates import Estimates
from scoring.forecasting import violation_cost

__all__ = ["Snapshot", "Standing"]

_COLUMNS: Final = np.dtype(
    [
        ("row", np.intp),
        ("direction", np.int8),
        ("known", np.bool_),
        ("measured", np.bool_),
        ("samples", np.float64),
        ("at", np.float64),
        ("naive", np.float64),
        ("cost", np.float64),
        ("noise", np.float64),
        ("estimate_ms", np.float64),
        ("sigma_log", np.float64),
        ("estimate_cost", np.float64),
        ("estimate_noise", np.float64),
        ("moves", np.int64),
    ]
)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """[places] of an index, as of one moment; never changed, as decisions refer to it."""

    epoch: int
    columns: NDArray[np.void]
    unknown: NDArray[np.bool_]
    """Where nobody's measurement speaks for the path; never of the peer itself."""
    plain: Costs
    """By the past alone; NaN where nobody asked for that. Without an SLA those of unmeasured paths are no costs yet."""
    foresight: Foresight | None = None
    by_model: NDArray[np.bool_] | None = None
    """Where the model's violation counts."""
    modelled: Costs | None = None
    """By what counts of the model's and the naive forecasts."""
    wanting: NDArray[np.bool_] | None = None
    """Where the model was not asked, or not since the path moved on."""

    def decided_by_model(self, places: Places) -> bool:
        """Whether a model says anything about these candidates; where it does not, the past alone answers."""
        return self.by_model is not None and bool(np.count_nonzero(self.by_model[places]))

    def costs(self, places: Places, *, by_model: bool) -> Costs:
        """[n] costs of these candidates."""
        of = self.modelled if by_model and self.modelled is not None else self.plain
        cost, noise, status = of.cost[places], of.noise[places], of.status[places]
        if of.unit == "ms":
            self._stand_in(cost, places)
        return Costs(cost, noise, status, of.unit)

    def _stand_in(self, cost: NDArray[np.float64], places: Places) -> None:
        """An unmeasured path's RTT is taken for the median of the others, as in `scoring.attainment.expected_rtt`."""
        direction = self.columns["direction"][places]
        founded = self.columns["measured"][places] | (direction == Direction.ESTIMATE)
        nothing = ~founded & (direction != Direction.SELF)
        if nothing.any():
            answered = cost[founded & np.isfinite(cost)]
            cost[nothing] = np.median(answered) if answered.size else 0.0


class Standing:
    """Costs towards one peer under an SLA (ms, as stored), or without one."""

    def __init__(
        self,
        store: WindowStore,
        noise: NoiseTable,
        violations: Violations,
        index: NodeIndex,
        peer: str,
        sla_ms: float | None,
        fresh_for_s: float,
        clock: Callable[[], float],
        slack: Slack,
        estimator: Estimator | None = None,
    ) -> None:
        self._clock = clock
        self._estimator, self._estimated = estimator, -1
        self._store, self._noise, self.peer, self.sla_ms = store, noise, peer, sla_ms
        self._index, self._violations, self._fresh_for_s = index, violations, fresh_for_s
        self._columns = np.zeros(0, _COLUMNS)
        self._tried = np.zeros(0, np.int64)
        self._tracked = Tracked(store, index, peer, fresh_for_s, self._compute, slack)
        self._foreseen = None if sla_ms is None else Foreseen(violations, index, peer, sla_ms, store.interval_s)
        self._plain = sla_ms is None
        self._key: tuple[object, ...] = ()
        self._snapshot: Snapshot | None = None
        self.shown = Shown()

    def __len__(self) -> int:
        return len(self._tracked)

    def of(self, places: Places, now: float, *, forecast: bool) -> Snapshot:
        """How these nodes stand now; `forecast` asks for the models' violations too, which only an SLA has."""
        self._tracked.bring_up(places, now)
        foresight = self._foreseen.of(now) if forecast and self._foreseen else None
        if self._estimator is not None and self._estimated != self._estimator.generation:
            self._estimate_anew(self._estimator, now)
        # The columns say nothing of names that came since; there is no need to look at those.
        key = (self._tracked.epoch, foresight, self._plain, len(self._columns), self._estimated)
        if self._snapshot is None or key != self._key:
            self._key, self._snapshot = key, self._make(foresight)
        return self._snapshot

    def refreshing(self, now: float) -> Iterator[None]:
        """Bring those up to date that were asked for, a slice at each step, and have the snapshot ready."""
        yield from self._tracked.refreshing(now)
        self.of(np.zeros(0, np.intp), now, forecast=self._foreseen is not None)
        yield

    def with_plain(self, places: Places, now: float, *, forecast: bool) -> Snapshot:
        """As `of`, with the costs by the past alone from now on."""
        if not self._plain:
            self._plain = True
            self._tracked.forget()
        return self.of(places, now, forecast=forecast)

    def gather(self, names: Sequence[str], now: float) -> Gathered:
        """The paths themselves."""
        return gather(self._store, self._noise, self.peer, names, now, self._fresh_for_s, self._estimator)

    def asked(self, places: Places) -> None:
        """Have the forecasts of these nodes computed ahead from now on."""
        if self._foreseen is not None:
            self._foreseen.asked(places, self._clock())

    def gather_now(self, names: Sequence[str]) -> Gathered:
        """The paths themselves, as of now."""
        return self.gather(names, self._clock())

    def moves(self, places: Places) -> NDArray[np.int64]:
        """[n] numbers that change whenever a path's cost is computed anew."""
        return np.asarray(self._columns["moves"][places])

    async def ask(self, wanting: Candidates, now: float, until: float) -> bool:
        """Have the model's violations of these nodes computed; returns whether that was late."""
        if self.sla_ms is None:
            return False
        moves = self._columns["moves"][wanting.places].copy()
        found = await self._violations.of(self.gather(wanting.names, now), self.sla_ms, until, keep_fresh=True)
        self._tried[wanting.places] = moves
        self._key = ()
        return found.late

    def _compute(self, places: Places, names: Sequence[str], now: float) -> NDArray[np.float64]:
        if len(self._columns) < len(self._tracked):
            self._columns = grown(self._columns, len(self._tracked))
            self._tried = grown(self._tried, len(self._tracked))
        gathered, c = self.gather(names, now), np.zeros(len(places), _COLUMNS)
        paths = gathered.paths
        c["row"], c["direction"], c["known"], c["measured"] = (
            gathered.rows,
            gathered.direction,
            paths.known,
            paths.measured,
        )
        c["samples"], c["at"] = (~np.isnan(paths.windows)).sum(axis=1), now - gathered.age_s
        c["naive"] = np.nan if self.sla_ms is None else naive_violation(paths, self.sla_ms)
        c["cost"] = c["noise"] = np.nan
        if self._plain:
            costs = attainment(paths, self.sla_ms)
            c["cost"], c["noise"] = costs.cost, costs.noise
        if gathered.estimates is not None:
            _put(c, np.arange(len(c)), gathered.estimates, self.sla_ms, paths.noise)
        else:
            c["estimate_ms"] = np.nan
        c["moves"] = self._columns["moves"][places] + 1
        self._columns[places] = c
        self.shown.moved(self._tracked.epoch + 1, places, paths.windows, c["at"])
        return self._store.windows_until(gathered.rows, now)

    def _estimate_anew(self, estimator: Estimator, now: float) -> None:
        """Other coordinates: look up again what is estimated of the paths that nobody measures."""
        self._estimated, c = estimator.generation, self._columns
        places = np.flatnonzero((c["moves"] > 0) & ~c["known"] & (c["direction"] != Direction.SELF))
        if places.size:
            names = [self._index.names[place] for place in places.tolist()]
            noise = self._noise.of(names, now, self._fresh_for_s)
            _put(c, places, Estimates(*estimator.of(self.peer, names)), self.sla_ms, noise)
            guessed = np.isnan(c["estimate_ms"][places])
            c["direction"][places] = np.where(guessed, Direction.NONE, Direction.ESTIMATE)

    def _make(self, foresight: Foresight | None) -> Snapshot:
        c = self._columns.copy()
        itself = c["direction"] == Direction.SELF
        unknown = ~c["known"] & ~itself
        thin = np.where(c["samples"] < THIN_SAMPLES, Status.THIN, Status.KNOWN)
        status = np.where(c["measured"], thin, Status.UNKNOWN).astype(np.int8)
        unit: Unit = "ms" if self.sla_ms is None else "violation"
        plain = _free(_guessed(Costs(c["cost"].copy(), c["noise"].copy(), status, unit), c), itself)
        if foresight is None:
            return Snapshot(self._tracked.epoch, c, unknown, plain)
        model = np.where(c["known"], foresight.value[: len(c)], np.nan)
        by_model = ~np.isnan(model) & foresight.trusted[: len(c)]
        counts = np.where(by_model, model, c["naive"])
        modelled = _free(_guessed(violation_cost(counts, c["measured"], c["samples"]), c), itself)
        said = foresight.fresh[: len(c)] & (~np.isnan(model) | (self._tried == c["moves"]))
        wanting = c["known"] & ~said if foresight.name else None
        return Snapshot(self._tracked.epoch, c, unknown, plain, foresight, by_model, modelled, wanting)


def _put(
    columns: NDArray[np.void], places: Places, estimates: Estimates, sla_ms: float | None, noise: NDArray[np.float64]
) -> None:
    """Write estimates [k] at places."""
    columns["estimate_ms"][places], columns["sigma_log"][places] = estimates.rtt_ms, estimates.sigma_log
    columns["estimate_cost"][places], columns["estimate_noise"][places] = estimates.costs(sla_ms, noise)


def _guessed(costs: Costs, columns: NDArray[np.void]) -> Costs:
    """What nobody measures costs what its estimate does, where there is one."""
    found = columns["direction"] == Direction.ESTIMATE
    if found.any():
        costs.cost[found], costs.noise[found] = columns["estimate_cost"][found], columns["estimate_noise"][found]
        costs.status[found] = Status.ESTIMATED
    return costs


def _free(costs: Costs, itself: NDArray[np.bool_]) -> Costs:
    """A candidate that is the peer costs nothing."""
    costs.cost[itself], costs.noise[itself], costs.status[itself] = 0.0, 0.0, Status.KNOWN
    return costs
