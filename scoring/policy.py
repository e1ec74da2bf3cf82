"""Several peers, one cost: how a pod's paths to all its peers count together.

`all` needs every peer close, so the worst path counts; `mean` talks to each as often as to any other, so their mean
counts; `any` needs one of them, so the best path counts.

An unknown path is the profile's business: it has already given it a stand-in cost and the status UNKNOWN. A NaN that
still arrives says nothing about its path, so it is left out; only a candidate with no other path is NaN in the end.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from scoring.arrays import Bools, Floats, Ints
from scoring.costs import Costs

__all__ = ["Policy", "combine", "combine_costs", "combine_noise"]

Policy: TypeAlias = Literal["all", "mean", "any"]


def combine(costs: Floats, policy: Policy, weights: Floats | None = None) -> Floats:
    """Return ``[n]``: the worst, mean or best of ``costs[p, n]`` over the p peers, NaN entries left out.

    ``weights[p]`` are the peers' shares in a mean (a node may host several endpoints of a service); equal if None.

    A lost path (+inf) makes `all` and `mean` infinite, and `any` only if there is no other.
    """
    known = ~np.isnan(costs)
    some = known.any(axis=0)
    if policy == "mean":
        parts = _shares(known, weights) * np.where(known, costs, 0.0)
        return np.where(some, parts.sum(axis=0), np.nan)
    # With an initial value a candidate without any path reduces without a warning; it becomes NaN right after.
    if policy == "all":
        return np.where(some, np.where(known, costs, -np.inf).max(axis=0, initial=-np.inf), np.nan)
    return np.where(some, np.where(known, costs, np.inf).min(axis=0, initial=np.inf), np.nan)


def combine_noise(costs: Floats, noise: Floats, policy: Policy, weights: Floats | None = None) -> Floats:
    """Return ``[n]``: the standard error of the combined cost.

    That of the path that decides (`all`, `any`; the first of equals), or of a mean of independent paths:
    sqrt(sum (share noise)^2). NaN where `combine` is NaN.
    """
    known = ~np.isnan(costs)
    some = known.any(axis=0)
    if policy == "mean":
        squares = (_shares(known, weights) * np.where(known, noise, 0.0)) ** 2
        return np.where(some, np.sqrt(squares.sum(axis=0)), np.nan)
    if not len(costs):
        return np.full(costs.shape[1], np.nan)
    pick: Ints = np.where(known, -costs if policy == "all" else costs, np.inf).argmin(axis=0)
    pick = np.where(known[pick, np.arange(costs.shape[1])], pick, known.argmax(axis=0))
    return np.where(some, noise[pick, np.arange(costs.shape[1])], np.nan)


def _shares(known: Bools, weights: Floats | None) -> Floats:
    """Return ``[p, n]``: each known path's share in a candidate's mean; they sum to 1 where any is known."""
    weight = np.ones(len(known)) if weights is None else weights
    shares = np.where(known, weight[:, None], 0.0)
    total = shares.sum(axis=0)
    return shares / np.where(total > 0, total, 1.0)


def combine_costs(parts: Sequence[Costs], policy: Policy, weights: Sequence[float] | None = None) -> Costs:
    """Combine the costs to several peers (at least one, all of one unit); the status is the worst of a candidate's."""
    cost = np.stack([part.cost for part in parts])
    noise = np.stack([part.noise for part in parts])
    status = np.stack([part.status for part in parts]).max(axis=0)
    shares = None if weights is None else np.array(weights, dtype=np.float64)
    return Costs(combine(cost, policy, shares), combine_noise(cost, noise, policy, shares), status, parts[0].unit)
