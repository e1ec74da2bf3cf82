"""How the nodes stand towards one peer as of one moment: what each of them costs, by the past and by models."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.candidates import Places
from extender.foreseen import Foresight
from extender.gather import Direction
from scoring.costs import THIN_SAMPLES, Costs, Status, Unit
from scoring.estimates import Estimates
from scoring.forecasting import violation_cost

__all__ = ["COLUMNS", "Snapshot", "put_estimates", "snapshot_of"]

COLUMNS: Final = np.dtype(
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


def snapshot_of(
    epoch: int, columns: NDArray[np.void], unit: Unit, foresight: Foresight | None, tried: NDArray[np.int64]
) -> Snapshot:
    """What these columns say, which are the snapshot's from now on; `tried`: the `moves` at which models were asked."""
    c = columns
    itself = c["direction"] == Direction.SELF
    unknown = ~c["known"] & ~itself
    thin = np.where(c["samples"] < THIN_SAMPLES, Status.THIN, Status.KNOWN)
    status = np.where(c["measured"], thin, Status.UNKNOWN).astype(np.int8)
    plain = _free(_guessed(Costs(c["cost"].copy(), c["noise"].copy(), status, unit), c), itself)
    if foresight is None:
        return Snapshot(epoch, c, unknown, plain)
    model = np.where(c["known"], foresight.value[: len(c)], np.nan)
    by_model = ~np.isnan(model) & foresight.trusted[: len(c)]
    counts = np.where(by_model, model, c["naive"])
    modelled = _free(_guessed(violation_cost(counts, c["measured"], c["samples"]), c), itself)
    said = foresight.fresh[: len(c)] & (~np.isnan(model) | (tried == c["moves"]))
    wanting = c["known"] & ~said if foresight.name else None
    return Snapshot(epoch, c, unknown, plain, foresight, by_model, modelled, wanting)


def put_estimates(
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
