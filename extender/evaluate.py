"""Costs and scores of candidates from gathered paths: pure numbers, so that they can run in another thread."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from extender.gather import Gathered
from extender.windows import as_stored
from scoring.costs import Costs, Status
from scoring.forecast import Forecaster
from scoring.policy import Policy, combine_costs
from scoring.profiles import Profile
from scoring.rank import rank

__all__ = ["HORIZON", "Evaluation", "evaluate"]

HORIZON = 30
"""Slots that a forecast reaches ahead: the old system's."""


@dataclass(frozen=True)
class Evaluation:
    """n candidates: costs over all peers, and scores 0..10."""

    costs: Costs
    scores: NDArray[np.int64]
    known: int
    """Candidates of which at least one path is known."""


def evaluate(
    gathered: Sequence[Gathered],
    profile: Profile,
    sla_ms: float | None,
    policy: Policy,
    weights: Sequence[float],
    forecaster: Forecaster,
) -> Evaluation:
    """Score the candidates against one or more peers; `weights` are the peers' shares in a `mean`."""
    sla_ms = None if sla_ms is None else as_stored(sla_ms)
    each = [_to_peer(g, profile, sla_ms, forecaster) for g in gathered]
    costs = combine_costs(each, policy, weights)
    unknown = np.stack([c.status for c in each]).min(axis=0) == Status.UNKNOWN
    return Evaluation(costs, rank(costs.cost, costs.noise), int((~unknown).sum()))


def _to_peer(gathered: Gathered, profile: Profile, sla_ms: float | None, forecaster: Forecaster) -> Costs:
    forecast = forecaster.forecast(gathered.paths, HORIZON) if profile.needs_forecast else None
    costs = profile(gathered.paths, sla_ms, forecast)
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
