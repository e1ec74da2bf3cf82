"""Whether each candidate keeps a `require` pod's promise, and the reason why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.gather import Gathered
from extender.intents import Intent
from scoring.promise import keeps, mean_of_last

__all__ = ["MIN_SAMPLES", "Verdict", "Verdicts", "judge"]

MIN_SAMPLES: Final = 5
"""Samples without which a path counts as unmeasured."""

SHARE: Final = 0.8
"""Part of the samples that must keep the SLA."""

Codes = NDArray[np.int8]


class Verdict(IntEnum):
    """Ordered so that the worst of several peers is the maximum."""

    KEEPS = 0
    UNMEASURED = 1
    BREAKS = 2


@dataclass(frozen=True)
class Verdicts:
    """[n] verdicts of the candidates, and the peer that decided each."""

    codes: Codes
    peer: Sequence[str]


def judge(intent: Intent, gathered: Sequence[Gathered]) -> Verdicts:
    """Judge every candidate against the intent's SLA over all peers, by its policy."""
    each = np.stack([_one(intent, g) for g in gathered])
    names = [g.peer for g in gathered]
    if intent.policy == "all":
        pick = each.argmax(axis=0)
    elif intent.policy == "any":
        pick = each.argmin(axis=0)
    else:
        return _pooled(intent, gathered, each)
    codes = each[pick, np.arange(each.shape[1])]
    return Verdicts(codes, [names[i] for i in pick])


def _one(intent: Intent, gathered: Gathered) -> Codes:
    """[n] verdicts of the paths to one peer; the peer itself costs nothing, except for the old labels."""
    sla_ms = _sla(intent)
    if intent.legacy:
        mean = mean_of_last(gathered.recent)
        codes = np.where(np.isnan(mean), Verdict.UNMEASURED, np.where(mean <= sla_ms, Verdict.KEEPS, Verdict.BREAKS))
    else:
        ok, samples = keeps(gathered.recent, sla_ms, MIN_SAMPLES, SHARE)
        codes = np.where(samples < MIN_SAMPLES, Verdict.UNMEASURED, np.where(ok, Verdict.KEEPS, Verdict.BREAKS))
    codes[gathered.itself] = Verdict.BREAKS if intent.legacy else Verdict.KEEPS
    return codes.astype(np.int8)


def _pooled(intent: Intent, gathered: Sequence[Gathered], each: Codes) -> Verdicts:
    """`mean`: a request meets any of the peers, so the samples of all paths count together."""
    samples = [np.where(g.itself[:, None], 0.0, g.recent) for g in gathered]
    ok, count = keeps(np.concatenate(samples, axis=1), _sla(intent), MIN_SAMPLES, SHARE)
    codes = np.where(count < MIN_SAMPLES, Verdict.UNMEASURED, np.where(ok, Verdict.KEEPS, Verdict.BREAKS))
    worst = each.argmax(axis=0)
    return Verdicts(codes.astype(np.int8), [gathered[i].peer for i in worst])


def _sla(intent: Intent) -> float:
    """Without an SLA, `require` asks for a path that answers at all."""
    return np.inf if intent.max_rtt_ms is None else intent.max_rtt_ms
