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

__all__ = [
    "BREAKS",
    "UNMEASURED",
    "PathVerdicts",
    "Verdict",
    "Verdicts",
    "judge",
    "over_peers",
    "promised_ms",
    "verdicts_of",
]

Codes = NDArray[np.int8]


class Verdict(IntEnum):
    """Ordered so that the worst of several peers is the maximum."""

    KEEPS = 0
    UNMEASURED = 1
    BREAKS = 2


# Arrays are compared with numbers: with the members themselves it takes five times as long.
UNMEASURED, BREAKS = int(Verdict.UNMEASURED), int(Verdict.BREAKS)


@dataclass(frozen=True)
class Verdicts:
    """[n] verdicts of the candidates, by which of the peers, and which of those that break seem to recover."""

    codes: Codes
    pick: NDArray[np.intp]
    recovering: NDArray[np.bool_]


@dataclass(frozen=True)
class PathVerdicts:
    """[n] verdicts of the candidates' paths to one peer."""

    peer: str
    codes: Codes
    share: NDArray[np.float64]
    """The fraction of the samples that keep the SLA; 1 where the candidate is the peer."""
    recovers: NDArray[np.bool_]
    """Whether the newest samples keep it."""


def verdicts_of(paths: RecentPaths, sla_ms: float, legacy: bool) -> PathVerdicts:
    """Judge the paths to one peer; the peer itself costs nothing, except for the old labels."""
    share, samples = keeping_share(paths.recent, sla_ms)
    if legacy:
        mean = mean_of_last(paths.recent)
        codes = np.where(np.isnan(mean), Verdict.UNMEASURED, np.where(mean <= sla_ms, Verdict.KEEPS, Verdict.BREAKS))
    else:
        ok, _ = keeps(paths.recent, sla_ms)
        codes = np.where(samples < MIN_SAMPLES, Verdict.UNMEASURED, np.where(ok, Verdict.KEEPS, Verdict.BREAKS))
    codes[paths.itself] = Verdict.BREAKS if legacy else Verdict.KEEPS
    share = np.where(paths.itself, 1.0, share)
    return PathVerdicts(paths.peer, codes.astype(np.int8), share, recovers(paths.recent, sla_ms))


def judge(intent: Intent, gathered: Sequence[RecentPaths], weights: Sequence[float]) -> Verdicts:
    """Judge every candidate against the intent's SLA over all peers, by its policy."""
    return over_peers(intent, [verdicts_of(g, promised_ms(intent), intent.legacy) for g in gathered], weights)


def over_peers(intent: Intent, paths: Sequence[PathVerdicts], weights: Sequence[float]) -> Verdicts:
    """What the verdicts of the paths to each peer mean together, by the intent's policy."""
    if len(paths) == 1 and intent.policy != "mean":
        codes = paths[0].codes
        return Verdicts(codes, np.zeros(len(codes), np.intp), paths[0].recovers & (codes == BREAKS))
    each = np.stack([p.codes for p in paths])
    if intent.policy == "mean":
        codes, pick = _mean(paths, each, np.array(weights))
    else:
        pick = each.argmax(axis=0) if intent.policy == "all" else each.argmin(axis=0)
        codes = each[pick, np.arange(each.shape[1])]
    better = np.stack([p.recovers for p in paths])[pick, np.arange(each.shape[1])]
    return Verdicts(codes, pick, better & (codes == BREAKS))


def _mean(paths: Sequence[PathVerdicts], each: Codes, weights: NDArray[np.float64]) -> tuple[Codes, NDArray[np.intp]]:
    """A request meets any of the peers, so the paths' keeping shares count by the peers' weights; all must be known."""
    shares = np.stack([p.share for p in paths])
    kept = weights @ shares / weights.sum()
    codes = np.where(kept >= SHARE - 1e-9, Verdict.KEEPS, Verdict.BREAKS).astype(np.int8)
    unmeasured = each == Verdict.UNMEASURED
    pick = np.where(unmeasured.any(axis=0), unmeasured.argmax(axis=0), shares.argmin(axis=0))
    codes[unmeasured.any(axis=0)] = Verdict.UNMEASURED
    return codes, pick


def promised_ms(intent: Intent) -> float:
    """The SLA as stored samples compare with it; without one, a path that answers at all keeps it."""
    return np.inf if intent.max_rtt_ms is None else as_stored(intent.max_rtt_ms)
