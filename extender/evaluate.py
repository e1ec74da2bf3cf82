"""Costs and scores of candidates from gathered paths: pure numbers, so that they can run in another thread."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from extender.gather import Gathered
from extender.windows import as_stored
from scoring.arrays import Bools, Floats
from scoring.costs import Costs, Status
from scoring.estimates import with_estimates
from scoring.forecast import HORIZON_SLOTS, Forecast, Forecaster
from scoring.policy import Policy, combine_costs
from scoring.profiles import Profile
from scoring.rank import rank

__all__ = ["Evaluation", "ReadyForecast", "evaluate", "evaluate_with", "evaluation_of"]


# To compare with the members themselves takes arrays five times as long.
_UNKNOWN, _ESTIMATED = int(Status.UNKNOWN), int(Status.ESTIMATED)


@dataclass(frozen=True)
class Evaluation:
    """n candidates: costs over all peers, and scores 0..10."""

    costs: Costs
    scores: NDArray[np.int64]
    known: int
    """Candidates of which at least one path is measured or estimated."""
    measured: int
    """Candidates of which at least one path is measured."""

    @property
    def note(self) -> str:
        """What part estimates have in the scores, if any."""
        if self.known and not self.measured:
            return "no path is measured: estimates decide"
        estimated = int(np.count_nonzero(self.costs.status == _ESTIMATED))
        return f"{estimated} of {len(self.scores)} candidates scored by estimates" if estimated else ""


@dataclass(frozen=True)
class ReadyForecast:
    """A `scoring.forecast.Forecast` whose answers are there already: violations of one SLA, or points."""

    rtt_ms: Floats
    """``[n, HORIZON_SLOTS]``; NaN where unknown, and throughout where only violations were asked for."""
    known: Bools
    """``[n]``."""
    sla_ms: float | None = None
    """The SLA of `values`."""
    values: Floats | None = None
    """``[n]``: P(RTT > sla_ms)."""

    @classmethod
    def of_violations(cls, values: Floats, known: Bools, sla_ms: float) -> "ReadyForecast":
        """The violations of one SLA, without points."""
        return cls(np.full((len(values), HORIZON_SLOTS), np.nan), known, sla_ms, values)

    def violation(self, sla_ms: float) -> Floats:
        """Return ``[n]``: P(RTT > sla_ms); raises ValueError for another SLA than the one that was asked for."""
        if self.values is None or sla_ms != self.sla_ms:
            raise ValueError(f"violations of {self.sla_ms} ms were prepared, not of {sla_ms} ms")
        return self.values


def evaluate(
    gathered: Sequence[Gathered],
    profile: Profile,
    sla_ms: float | None,
    policy: Policy,
    weights: Sequence[float],
    forecaster: Forecaster,
) -> Evaluation:
    """Score the candidates against one or more peers, with forecasts made here and now where the profile needs any."""
    forecasts = [forecaster.forecast(g.paths, HORIZON_SLOTS) if profile.forecast else None for g in gathered]
    return evaluate_with(gathered, profile, sla_ms, policy, weights, forecasts)


def evaluate_with(
    gathered: Sequence[Gathered],
    profile: Profile,
    sla_ms: float | None,
    policy: Policy,
    weights: Sequence[float],
    forecasts: Sequence[Forecast | None],
) -> Evaluation:
    """Score the candidates against one or more peers; `weights` are the peers' shares in a `mean`.

    There is a forecast for each peer, or None where the profile needs none or has to do without.
    """
    sla_ms = None if sla_ms is None else as_stored(sla_ms)
    each = [_to_peer(g, profile, sla_ms, forecast) for g, forecast in zip(gathered, forecasts, strict=True)]
    return evaluation_of(each, policy, weights)


def evaluation_of(each: Sequence[Costs], policy: Policy, weights: Sequence[float]) -> Evaluation:
    """Combine the costs to one or more peers, and score the candidates by them."""
    if len(each) == 1:  # each policy gives what there is
        costs, best = each[0], each[0].status
    else:
        costs, best = combine_costs(each, policy, weights), np.stack([c.status for c in each]).min(axis=0)
    known, measured = int(np.count_nonzero(best < _UNKNOWN)), int(np.count_nonzero(best < _ESTIMATED))
    return Evaluation(costs, rank(costs.cost, costs.noise), known, measured)


def _to_peer(gathered: Gathered, profile: Profile, sla_ms: float | None, forecast: Forecast | None) -> Costs:
    costs = profile(gathered.paths, sla_ms, forecast)
    if gathered.estimates is not None:
        costs = with_estimates(costs, gathered.estimates, sla_ms, gathered.paths.noise)
    itself = gathered.itself
    if not itself.any():
        return costs
    nothing = 0.0 if costs.unit != "seed" else min(0.0, float(costs.cost.min(initial=0.0)))
    return replace(
        costs,
        cost=np.where(itself, nothing, costs.cost),
        noise=np.where(itself, 0.0, costs.noise),
        status=np.where(itself, Status.KNOWN, costs.status).astype(np.int8),
    )
