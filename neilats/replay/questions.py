"""Training questions from a trace: what the extender would have seen of each candidate, and what came of it.

They are asked through the same windows, noise and gathering as decisions, so that a network learns from exactly what
it will be given.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from models.data.questions import Questions
from neilats.replay.production import Production
from neilats.replay.protocol import Draw, Protocol, Skipped, draws
from neilats.traces import Trace
from scoring.features import inputs
from scoring.naive import MedianForecaster

__all__ = ["SLA_QUANTILES", "questions"]

SLA_QUANTILES = (0.1, 0.2, 0.25, 0.3, 0.4, 0.5)
"""Of the SLAs that are asked for: what an operator would set, from ambitious to easy."""


def questions(
    trace: Trace, protocol: Protocol, done: Callable[[int, int], None] = lambda count, total: None
) -> Questions:
    """The draws of a protocol, shared out over `SLA_QUANTILES`, as questions; raises TraceError where it does not fit.

    `done` hears now and then how many draws there were, and of how many.
    """
    protocol.check(trace)
    truth = trace.sliced(0, protocol.end)
    truth = truth.fresh_only() if protocol.fresh_only else truth
    seen = truth
    if protocol.mask is not None:
        seen = truth.mask(protocol.mask, np.random.default_rng((protocol.seed, protocol.mask)))
    drawn = sorted(_drawn(truth, protocol), key=lambda draw: draw.t)
    production = Production(seen, (), MedianForecaster())
    found = []
    for _, group in groupby(drawn, lambda draw: draw.t):
        found += list(_asked(production, list(group)))
        done(len(found), len(drawn))
    return Questions.stack(found)


def _drawn(trace: Trace, protocol: Protocol) -> Iterator[Draw]:
    share = -(-protocol.draws // len(SLA_QUANTILES))
    for i, quantile in enumerate(SLA_QUANTILES):
        part = replace(protocol, draws=share, sla_quantile=quantile, seed=protocol.seed * 1000 + i)
        yield from draws(trace, part, Skipped())


def _asked(production: Production, together: Sequence[Draw]) -> Iterator[Questions]:
    for draw, gathered in zip(together, production.gathered(together), strict=True):
        given = inputs(gathered.paths, draw.sla_ms)
        yield Questions(
            sequence=given.sequence[None].astype(np.float16),
            features=given.features[None],
            outcome=draw.violation[None].astype(np.float32),
            known=gathered.paths.measured[None],
            slice_index=np.array([draw.t]),
        )
