"""How the nodes stand towards one peer under one SLA: their costs, remembered until their paths move on.

What a cost is made of depends on the path alone and on the time. It is computed when a sample comes, and otherwise when
the window moves on by time or grows stale, so that what decays with time (the weight of the long memory, the noise of a
node's other links) is at most one slot old. What depends on the set of candidates is worked out for each call.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from extender.candidates import Candidates, NodeIndex, Places
from extender.estimates import Estimator
from extender.foreseen import Foreseen, Foresight
from extender.gather import Direction, Gathered, gather
from extender.noise import NoiseTable
from extender.shown import Shown
from extender.snapshot import COLUMNS, Snapshot, put_estimates, snapshot_of
from extender.tracked import Slack, Tracked, grown
from extender.violations import Violations
from extender.windows import WindowStore
from scoring.attainment import attainment, naive_violation
from scoring.costs import Unit
from scoring.estimates import Estimates

__all__ = ["Standing"]


class _Computed(NamedTuple):
    """What costs were computed from at a time: distinct places, and their paths."""

    places: Places
    at: float
    gathered: Gathered


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
        self._columns = np.zeros(0, COLUMNS)
        self._tried = np.zeros(0, np.int64)
        self._tracked = Tracked(store, index, peer, fresh_for_s, self._compute, slack)
        self._foreseen = None if sla_ms is None else Foreseen(violations, index, peer, sla_ms, store.interval_s)
        self._plain = sla_ms is None
        self._key: tuple[object, ...] = ()
        self._slack, self._made = slack, -np.inf
        self._snapshot: Snapshot | None = None
        self._computed: _Computed | None = None
        self.shown = Shown()

    def __len__(self) -> int:
        return len(self._tracked)

    def of(self, places: Places, now: float, *, forecast: bool) -> Snapshot:
        """How these nodes stand now; `forecast` asks for the models' violations too, which only an SLA has."""
        forecast = forecast and self._foreseen is not None
        moved, last = self._tracked.bring_up(places, now), self._snapshot
        if not moved:
            self._computed = None
        recent = last is not None and bool(self._key) and now < self._made + self._slack.seconds / 2
        if last is not None and recent and not moved and forecast == (last.foresight is not None):
            return last  # what is renewed ahead of the calls, part by part, is seen when all of it is there
        foresight = self._foreseen.of(now) if forecast and self._foreseen else None
        if self._estimator is not None and self._estimated != self._estimator.generation:
            self._estimate_anew(self._estimator, now)
        # The columns say nothing of names that came since; there is no need to look at those.
        key = (self._tracked.epoch, foresight, self._plain, len(self._columns), self._estimated)
        if self._snapshot is None or key != self._key:
            self._key, self._snapshot = key, self._make(foresight)
        self._made = now
        return self._snapshot

    def refreshing(self, now: float) -> Iterator[None]:
        """Bring those up to date that were asked for, a slice at each step, and have the snapshot ready."""
        yield from self._tracked.refreshing(now)
        self._made, self._computed = -np.inf, None
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
        gathered = self._gathered(wanting, now)
        found = await self._violations.of(gathered, self.sla_ms, until, keep_fresh=True)
        self._tried[wanting.places] = moves
        self._key = ()
        return found.late

    def _gathered(self, wanting: Candidates, now: float) -> Gathered:
        """These paths, perhaps with a few others: as their costs were just computed from them, if they were."""
        done, self._computed = self._computed, None
        if done is not None and done.at == now and len(wanting) <= len(done.places) <= 2 * len(wanting):
            there = np.zeros(len(wanting.index), dtype=bool)
            there[done.places] = True
            if there[wanting.places].all():
                return done.gathered
        return self.gather(wanting.names, now)

    def _compute(self, places: Places, names: Sequence[str], now: float) -> NDArray[np.float64]:
        if len(self._columns) < len(self._tracked):
            self._columns = grown(self._columns, len(self._tracked))
            self._tried = grown(self._tried, len(self._tracked))
        gathered, c = self.gather(names, now), np.zeros(len(places), COLUMNS)
        self._computed = None if self._foreseen is None else _Computed(places, now, gathered)
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
            put_estimates(c, np.arange(len(c)), gathered.estimates, self.sla_ms, paths.noise)
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
            put_estimates(c, places, Estimates(*estimator.of(self.peer, names)), self.sla_ms, noise)
            guessed = np.isnan(c["estimate_ms"][places])
            c["direction"][places] = np.where(guessed, Direction.NONE, Direction.ESTIMATE)

    def _make(self, foresight: Foresight | None) -> Snapshot:
        unit: Unit = "ms" if self.sla_ms is None else "violation"
        return snapshot_of(self._tracked.epoch, self._columns.copy(), unit, foresight, self._tried)
