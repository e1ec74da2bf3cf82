"""A replay from a trace to results: every draw's outcome under every profile and baseline."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from neilats.replay.production import Production
from neilats.replay.protocol import Draw, Protocol, Skipped, draws
from neilats.replay.rules import BASELINES, Rules
from neilats.traces import Trace, TraceError
from scoring.forecast import Forecaster

__all__ = ["Outcomes", "replay"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outcomes:
    """What came of d draws."""

    profiles: tuple[str, ...]
    violation: Mapping[str, Floats]
    """[d] of each profile and baseline: the chosen candidate's, the mean over those that tied for the best."""
    mean_rtt_ms: Mapping[str, Floats]
    """[d] likewise; NaN where the chosen candidate never answered."""
    skipped: Skipped

    def __len__(self) -> int:
        return len(self.violation["random"])


def replay(
    trace: Trace,
    protocol: Protocol,
    profiles: Sequence[str],
    forecaster: Forecaster,
    done: Callable[[int, int], None] = lambda count, total: None,
) -> Outcomes:
    """Place a pod in every draw, by every profile and baseline; raises TraceError where the protocol does not fit.

    `done` hears now and then how many draws there were, and of how many.
    """
    protocol.check(trace)
    truth = trace.sliced(0, protocol.end)
    if protocol.fresh_only:
        truth = truth.fresh_only()
    seen = truth
    if protocol.mask is not None:
        seen = truth.mask(protocol.mask, np.random.default_rng((protocol.seed, protocol.mask)))
    skipped = Skipped()
    drawn = draws(truth, protocol, skipped)
    if not drawn:
        raise TraceError(
            f"none of {protocol.draws} draws can be judged: in {skipped.no_future} a candidate is not measured in "
            f"the horizon, in {skipped.no_sla} no SLA can be set; is the trace that sparse?"
        )
    production, rules = Production(seen, profiles, forecaster), Rules(seen.rtt_ms)
    names = (*profiles, *BASELINES)
    found: Floats = np.empty((0, len(names), 2))
    for _, group in groupby(drawn, lambda draw: draw.t):
        together = list(group)
        scores = production.scores(together)
        rows = [_judged(draw, own, rules.costs(draw)) for draw, own in zip(together, scores, strict=True)]
        found = np.concatenate([found, rows])
        done(len(found), len(drawn))
    return Outcomes(
        tuple(profiles),
        {name: found[:, i, 0] for i, name in enumerate(names)},
        {name: found[:, i, 1] for i, name in enumerate(names)},
        skipped,
    )


def _judged(
    draw: Draw, scores: Mapping[str, NDArray[np.int64]], costs: Mapping[str, Floats]
) -> list[tuple[float, float]]:
    """The outcome under every profile, then under every baseline."""
    best = [score == score.max() for score in scores.values()] + [cost == cost.min() for cost in costs.values()]
    return [_outcome(draw, chosen) for chosen in best]


def _outcome(draw: Draw, chosen: NDArray[np.bool_]) -> tuple[float, float]:
    """The mean violation and RTT of the chosen candidates: what a random choice among them brings on average."""
    rtt_ms = draw.mean_rtt_ms[chosen]
    returned = rtt_ms[~np.isnan(rtt_ms)]
    return float(draw.violation[chosen].mean()), float(returned.mean()) if returned.size else np.nan
