"""Whether each candidate keeps a `require` pod's promise, and the reason why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from extender.gather import RecentPaths
from extender.intents import Intent
from extender.windows import as_stored
from scoring.promise import MIN_SAMPLES, SHARE, keeping_share, keeps, mean_of_last, recovers

__all__ = ["Verdict", "Verdicts", "judge"]

Codes = NDArray[np.int8]


class Verdict(IntEnum):
    """Ordered so that the worst of several peers is the maximum."""

    KEEPS = 0
    UNMEASURED = 1
    BREAKS = 2


@dataclass(frozen=True)
class Verdicts:
    """[n] verdicts of the candidates, the peer that decided each, and which of those that break seem to recover."""

    codes: Codes
    peer: Sequence[str]
    recovering: NDArray[np.bool_]


def judge(intent: Intent, gathered: Sequence[RecentPaths], weights: Sequence[float]) -> Verdicts:
    """Judge every candidate against the intent's SLA over all peers, by its policy."""
    each = np.stack([_one(intent, g) for g in gathered])
    if intent.policy == "mean":
        codes, pick = _mean(intent, gathered, each, np.array(weights))
    else:
        pick = each.argmax(axis=0) if intent.policy == "all" else each.argmin(axis=0)
        codes = each[pick, np.arange(each.shape[1])]
    better = np.stack([recovers(g.recent, _sla(intent)) for g in gathered])[pick, np.arange(each.shape[1])]
    return Verdicts(codes, [gathered[i].peer for i in pick], better & (codes == Verdict.BREAKS))


def _one(intent: Intent, gathered: RecentPaths) -> Codes:
    """[n] verdicts of the paths to one peer; the peer itself costs nothing, except for the old labels."""
    sla_ms = _sla(intent)
    if intent.legacy:
        mean = mean_of_last(gathered.recent)
        codes = np.where(np.isnan(mean), Verdict.UNMEASURED, np.where(mean <= sla_ms, Verdict.KEEPS, Verdict.BREAKS))
    else:
        ok, samples = keeps(gathered.recent, sla_ms)
        codes = np.where(samples < MIN_SAMPLES, Verdict.UNMEASURED, np.where(ok, Verdict.KEEPS, Verdict.BREAKS))
    codes[gathered.itself] = Verdict.BREAKS if intent.legacy else Verdict.KEEPS
    return codes.astype(np.int8)


def _mean(
    intent: Intent, gathered: Sequence[RecentPaths], each: Codes, weights: NDArray[np.float64]
) -> tuple[Codes, NDArray[np.intp]]:
    """A request meets any of the peers, so the paths' keeping shares count by the peers' weights; all must be known."""
    shares = [np.where(g.itself, 1.0, keeping_share(g.recent, _sla(intent))[0]) for g in gathered]
    kept = weights @ np.stack(shares) / weights.sum()
    codes = np.where(kept >= SHARE - 1e-9, Verdict.KEEPS, Verdict.BREAKS).astype(np.int8)
    unmeasured = each == Verdict.UNMEASURED
    pick = np.where(unmeasured.any(axis=0), unmeasured.argmax(axis=0), np.stack(shares).argmin(axis=0))
    codes[unmeasured.any(axis=0)] = Verdict.UNMEASURED
    return codes, pick


def _sla(intent: Intent) -> float:
    """The SLA as stored samples compare with it; without one, a path that answers at all keeps it."""
    return np.inf if intent.max_rtt_ms is None else as_stored(intent.max_rtt_ms)
