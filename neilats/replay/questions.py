"""Training questions from a trace: what the extender would have seen of each candidate, and what came of it.

They are asked through the same windows, noise and gathering as decisions, so that a network learns from exactly what
it will be given.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from extender.gather import Gathered
from models.data.questions import PARTS, Questions
from neilats.replay.production import Production
from neilats.replay.protocol import Draw, Protocol, Skipped, draws
from neilats.traces import Trace, TraceError
from scoring.features import inputs
from scoring.naive import MedianForecaster

__all__ = ["CHOSEN", "EASY", "SLA_QUANTILES", "Asked", "Sla", "asked", "questions"]

SLA_QUANTILES = (0.1, 0.2, 0.25, 0.3, 0.4, 0.5)
"""Of the SLAs that are asked for: what an operator would set, from ambitious to easy."""

Sla: TypeAlias = tuple[float, float]
"""A quantile, and how many times of it."""

CHOSEN: Final[tuple[Sla, ...]] = tuple((level, 1.0) for level in SLA_QUANTILES)
"""SLAs among what the paths show, where the choice of a node matters most."""

EASY: Final[tuple[Sla, ...]] = ((0.25, 1.3), (0.5, 1.5), (0.5, 2.5), (0.5, 5.0), (0.8, 1.0), (0.9, 2.0), (0.1, 0.7))
"""SLAs that most paths keep, or (one) none: a forecast must know what is certain too."""


@dataclass(frozen=True)
class Asked:
    """One question, before it becomes numbers."""

    level: float
    """The quantile that is the SLA, one of `SLA_QUANTILES`."""
    draw: Draw
    gathered: Gathered
    """What the extender knew of the draw's candidates."""


def questions(
    trace: Trace,
    protocol: Protocol,
    done: Callable[[int, int], None] = lambda count, total: None,
    slas: Sequence[Sla] = CHOSEN,
) -> Questions:
    """The draws of a protocol, shared out over SLAs, as questions; raises TraceError where it does not fit.

    `done` hears now and then how many draws there were, and of how many.
    """
    found = [_as_numbers(question) for question in asked(trace, protocol, done, slas)]
    if not found:
        raise TraceError(
            f"none of {protocol.draws} draws can be judged: candidates are not measured in the horizon, or no SLA can "
            "be set; is the trace that sparse?"
        )
    return Questions.stack(found)


def asked(
    trace: Trace,
    protocol: Protocol,
    done: Callable[[int, int], None] = lambda count, total: None,
    slas: Sequence[Sla] = CHOSEN,
) -> Iterator[Asked]:
    """Each question of a protocol in turn, in the order of time; raises TraceError where it does not fit."""
    protocol.check(trace)
    truth = trace.sliced(0, protocol.end)
    truth = truth.fresh_only() if protocol.fresh_only else truth
    seen = truth
    if protocol.mask is not None:
        seen = truth.mask(protocol.mask, np.random.default_rng((protocol.seed, protocol.mask)))
    drawn = sorted(_drawn(truth, protocol, slas), key=lambda pair: pair[1].t)
    production = Production(seen, (), MedianForecaster())
    count = 0
    for _, group in groupby(drawn, lambda pair: pair[1].t):
        together = list(group)
        gathered = production.gathered([draw for _, draw in together])
        for (level, draw), known in zip(together, gathered, strict=True):
            yield Asked(level, draw, known)
        count += len(together)
        done(count, len(drawn))


def _drawn(trace: Trace, protocol: Protocol, slas: Sequence[Sla]) -> Iterator[tuple[float, Draw]]:
    share = -(-protocol.draws // len(slas))
    for i, (level, factor) in enumerate(slas):
        part = replace(protocol, draws=share, sla_quantile=level, sla_factor=factor, seed=protocol.seed * 1000 + i)
        yield from ((level, draw) for draw in draws(trace, part, Skipped()))


def _as_numbers(question: Asked) -> Questions:
    draw, paths = question.draw, question.gathered.paths
    given = inputs(paths, draw.sla_ms)
    return Questions(
        sequence=given.sequence[None].astype(np.float16),
        features=given.features[None],
        outcome=draw.violation[None].astype(np.float32),
        parts=_parts(draw.above)[None].astype(np.float16),
        known=paths.measured[None],
        slice_index=np.array([draw.t]),
    )


def _parts(above: NDArray[np.int8]) -> NDArray[np.float64]:
    """``[n, len(PARTS)]``: the violations of each part of a horizon ``[h, n]``, whose parts have PARTS' proportions."""
    ends = np.rint(np.cumsum(PARTS) / sum(PARTS) * len(above)).astype(int)
    pieces = np.split(above, ends[:-1])
    measured = np.stack([(piece >= 0).sum(axis=0) for piece in pieces], axis=1)
    violated = np.stack([(piece > 0).sum(axis=0) for piece in pieces], axis=1)
    return np.where(measured > 0, violated / np.maximum(measured, 1), np.nan)
