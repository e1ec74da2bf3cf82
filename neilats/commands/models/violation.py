"""The recipe `violation`: traces become questions, questions a network of SLA violations."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import click

from neilats.commands.counting import counting

if TYPE_CHECKING:
    from models.data.questions import Questions
    from models.training.options import Options, Trained
    from neilats.commands.models.data import Opened
    from neilats.traces import Trace

__all__ = ["prepare_violation"]

GROUPS_A_SLICE: Final = 300
MOST_GROUPS: Final = 120_000
"""Questions of a recorded trace: enough that most paths are asked about at most times; 10 KB each."""

SYNTHETIC_GROUPS: Final = 3_000
"""Questions of a made-up trace: what was measured counts more."""

VALIDATION_SHARE: Final = 0.15
"""The latest part of each trace, unless told otherwise; one that gives too few questions is not set aside."""


def prepare_violation(
    opened: "Sequence[Opened]",
    seed: int,
    validation_share: float | None,
    *,
    quiet: bool,
) -> "Callable[[Options], Trained]":
    """Ask the questions, which takes minutes, and return what trains on them.

    Raises TraceError where a trace is too short, a usage error where the data are no traces.
    """
    from models.training.violationmodel import violation_model

    traces = [_trace(one) for one in opened]
    counts = [
        SYNTHETIC_GROUPS if one.name.startswith("synthetic:") else min(GROUPS_A_SLICE * len(trace), MOST_GROUPS)
        for one, trace in zip(opened, traces, strict=True)
    ]
    training, validation = _split(traces, counts, seed, validation_share, quiet)
    intervals = {trace.interval_s for trace in traces}
    interval_s = intervals.pop() if len(intervals) == 1 else None
    return lambda options: violation_model(training, validation, interval_s, options)


def _trace(opened: "Opened") -> "Trace":
    if opened.trace is None:
        raise click.UsageError(
            f"{opened.name}: the recipe violation learns from whole networks (which node is best?); give a trace"
        )
    return opened.trace


def _split(
    traces: "Sequence[Trace]", counts: Sequence[int], seed: int, validation_share: float | None, quiet: bool
) -> "tuple[Questions, Questions | None]":
    """Questions of the earlier part of each trace, and those whose outcomes lie in the later part."""
    from neilats.replay.curriculum import candidates_of, lessons, taught
    from scoring.forecast import HORIZON_SLOTS

    share = VALIDATION_SHARE if validation_share is None else validation_share
    ends = [round(len(trace) * (1 - share)) for trace in traces]
    candidates = candidates_of(traces)
    plans = [
        lessons(trace, count, candidates, seed * 100 + 10 * i)
        for i, (trace, count) in enumerate(zip(traces, counts, strict=True))
    ]
    earlier, later = [], []
    for number, (plan, end) in enumerate(zip(plans, ends, strict=True), 1):
        with counting(f"asking about trace {number} of {len(plans)}", quiet=quiet) as done:
            questions = taught(plan, done)
        earlier.append(questions.between(0, end, HORIZON_SLOTS))
        later.append(questions.between(end, 10**9, 0))
    held_out = _stacked(later)
    return _stacked(earlier), held_out if share > 0 and len(held_out) > 0 else None


def _stacked(parts: "Sequence[Questions]") -> "Questions":
    from models.data.questions import Questions

    return Questions.stack(parts)
