"""How well stated violations come true: what a network said of each question's paths, what the past said, what came.

The questions are those that networks learn from (`neilats.replay.questions`), so every kind of SLA is asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.runtime.estimator import ViolationEstimator
from neilats.replay.protocol import Protocol
from neilats.replay.questions import asked
from neilats.traces import Trace, TraceError
from scoring.arrays import Floats
from scoring.attainment import naive_violation

__all__ = ["Statements", "statements"]


@dataclass(frozen=True)
class Statements:
    """n paths that network and past both spoke of; all arrays are ``[n]``."""

    level: Floats
    """The quantile of the candidates' past RTT that was the SLA."""
    model: Floats
    """P(RTT > SLA) by the network."""
    naive: Floats
    """The same by the past alone."""
    happened: Floats
    """The fraction of the horizon's measured slices above the SLA."""
    asked: int
    """Paths that were asked about: n of them, and those that nobody or only the past could answer."""

    def __len__(self) -> int:
        return len(self.happened)


def statements(
    trace: Trace,
    protocol: Protocol,
    estimator: ViolationEstimator,
    done: Callable[[int, int], None] = lambda count, total: None,
) -> Statements:
    """Ask the questions of a protocol; raises TraceError where it does not fit or nothing can be answered."""
    found = []
    for question in asked(trace, protocol, done):
        paths, sla_ms = question.gathered.paths, question.draw.sla_ms
        model, naive = estimator.violation(paths, sla_ms), naive_violation(paths, sla_ms)
        found.append(np.stack([np.full(len(model), question.level), model, naive, question.draw.violation]))
    table = np.concatenate(found, axis=1) if found else np.empty((4, 0))
    answered = ~np.isnan(table).any(axis=0)
    if not answered.any():
        raise TraceError(f"{estimator.name} can answer for none of {table.shape[1]} paths; is the trace that sparse?")
    level, model, naive, happened = table[:, answered]
    return Statements(level, model, naive, happened, table.shape[1])
