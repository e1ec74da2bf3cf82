"""What a violation network is trained on: each trace as it is, and in ways that it is not.

A network that saw one trace alone would learn its habits: that readings repeat, that every pair is measured, that
nothing is lost, and that an SLA is never far from what the paths show.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from models.data.questions import Questions
from neilats.replay.protocol import Protocol
from neilats.replay.questions import CHOSEN, EASY, Sla, questions
from neilats.traces import Trace, TraceError

__all__ = ["FIRST_SLICE", "Lesson", "candidates_of", "lessons", "taught"]

FIRST_SLICE: Final = 10
"""Of the questions: something must have been measured before, but windows may be far from full."""

AS_IT_IS: Final = 0.8
EASY_SLAS: Final = 0.05
FRESH_ONLY: Final = 0.05
MASKED: Final = 0.04
LOSSY: Final = 0.06
"""Shares of a trace's questions."""

MASK: Final = 3
"""One of so many targets is measured where a trace is masked."""

LEAST_NODES: Final = 4
"""Of a trace: a peer, and candidates to choose among."""


@dataclass(frozen=True)
class Lesson:
    """One way to ask about one trace."""

    trace: Trace
    protocol: Protocol
    slas: Sequence[Sla] = CHOSEN


def candidates_of(traces: Sequence[Trace]) -> int:
    """How many candidates a question can have in all of these; raises TraceError where there is no choice."""
    fewest = min(len(trace.nodes) for trace in traces)
    if fewest < LEAST_NODES:
        raise TraceError(f"{fewest} nodes are too few to learn a choice from; at least {LEAST_NODES} are needed")
    return min(Protocol(start=0).candidates, fewest - 1)


def lessons(trace: Trace, groups: int, candidates: int, seed: int) -> list[Lesson]:
    """All ways to ask about a trace, `groups` questions together."""
    count = len(trace.nodes)
    repeats = trace.fresh_only().step_slices > trace.step_slices
    lossy = trace.lossy(np.random.default_rng(seed))
    plain: Mapping[str, Any] = {}
    shares = [
        (AS_IT_IS if repeats else AS_IT_IS + FRESH_ONLY, trace, CHOSEN, plain),
        (EASY_SLAS, trace, EASY, plain),
        *([(FRESH_ONLY, trace, CHOSEN, {"fresh_only": True})] if repeats else []),
        (MASKED, trace, CHOSEN, {"mask": max(count // MASK, 2)}),
        (LOSSY, lossy, (*CHOSEN, *EASY), plain),
    ]
    return [
        Lesson(of, Protocol(FIRST_SLICE, None, max(int(groups * share), 1), candidates, seed=seed + i, **options), slas)
        for i, (share, of, slas, options) in enumerate(shares)
    ]


def taught(plan: Sequence[Lesson], done: Callable[[int, int], None] = lambda count, total: None) -> Questions:
    """The questions of all lessons, which must agree in the number of candidates; `done` hears how far it is."""
    total = sum(lesson.protocol.draws for lesson in plan)
    return Questions.stack(list(_each(plan, total, done)))


def _each(plan: Sequence[Lesson], total: int, done: Callable[[int, int], None]) -> Iterator[Questions]:
    before = 0
    for lesson in plan:
        yield questions(lesson.trace, lesson.protocol, partial(_heard, done, before, total), lesson.slas)
        before += lesson.protocol.draws


def _heard(done: Callable[[int, int], None], before: int, total: int, count: int, of: int) -> None:
    """Say how far all lessons are, given how far one is."""
    done(before + count, total)
