"""The recipe `violation`: traces become questions, questions a network of SLA violations."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from models.data.questions import Questions
    from models.training.options import Options, Trained
    from neilats.commands.models.data import Opened
    from neilats.traces import Trace

__all__ = ["train_violation_model"]

RECORDED_GROUPS: Final = 20_000
SYNTHETIC_GROUPS: Final = 3_000
"""Questions of a recorded trace and of a made-up one: what was measured counts more."""

VALIDATION_SHARE: Final = 0.15
"""The latest part of each trace, unless told otherwise; one that gives too few questions is not set aside."""


def train_violation_model(
    opened: "Sequence[Opened]",
    options: "Options",
    done: Callable[[int, int], None] = lambda count, total: None,
    groups: int = RECORDED_GROUPS,
    synthetic_groups: int = SYNTHETIC_GROUPS,
) -> "Trained":
    """Ask and train; raises TraceError where a trace is too short, a usage error where the data are no traces."""
    from models.training.violationmodel import violation_model

    traces = [_trace(one) for one in opened]
    counts = [synthetic_groups if one.name.startswith("synthetic:") else groups for one in opened]
    training, validation = _split(traces, counts, options, done)
    intervals = {trace.interval_s for trace in traces}
    return violation_model(training, validation, intervals.pop() if len(intervals) == 1 else None, options)


def _trace(opened: "Opened") -> "Trace":
    if opened.trace is None:
        raise click.UsageError(
            f"{opened.name}: the recipe violation learns from whole networks (which node is best?); give a trace"
        )
    return opened.trace


def _split(
    traces: "Sequence[Trace]", counts: Sequence[int], options: "Options", done: Callable[[int, int], None]
) -> "tuple[Questions, Questions | None]":
    """Questions of the earlier part of each trace, and those whose outcomes lie in the later part."""
    from neilats.replay.curriculum import HORIZON, candidates_of, lessons, taught

    share = VALIDATION_SHARE if options.validation_share is None else options.validation_share
    ends = [round(len(trace) * (1 - share)) for trace in traces]
    candidates = candidates_of(traces)
    plans = [
        lessons(trace, count, candidates, options.seed * 100 + 10 * i)
        for i, (trace, count) in enumerate(zip(traces, counts, strict=True))
    ]
    earlier, later = [], []
    for plan, end in zip(plans, ends, strict=True):
        questions = taught(plan, done)
        earlier.append(questions.between(0, end, HORIZON))
        later.append(questions.between(end, 10**9, 0))
    held_out = _stacked(later)
    return _stacked(earlier), held_out if share > 0 and len(held_out) > 0 else None


def _stacked(parts: "Sequence[Questions]") -> "Questions":
    from models.data.questions import Questions

    return Questions.stack(parts)
