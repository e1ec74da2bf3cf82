"""A report's samples as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from prober.wire import LOST, Report

__all__ = ["Columns", "of_report"]

Ints = NDArray[np.intp]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Columns:
    """The runs of a report, and their samples one run after the other, oldest first.

    For each run `places` is the index of its target, `counts` how many samples it has, `ages_ms` the age of the newest
    and `steps_ms` the time between two. `rtt_ms` has one number for each sample: inf lost, NaN not measured.
    """

    targets: Sequence[str]
    places: Ints
    counts: Ints
    ages_ms: Floats
    steps_ms: Floats
    rtt_ms: Floats

    def samples(self, now: float, since: float) -> tuple[Ints, Floats, Floats]:
        """Each sample's target (index), time (s, of the clock that says `now`) and RTT (ms), from `since` on.

        Ordered by target, and for each target by time.
        """
        if len(self.counts) == len(self.rtt_ms) and (self.counts == 1).all():
            place, at_s = self.places, now - self.ages_ms / 1000
        else:
            run = np.repeat(np.arange(len(self.counts)), self.counts)
            after = np.cumsum(self.counts)[run] - 1 - np.arange(len(run))  # samples of the same run that are newer
            place, at_s = self.places[run], now - (self.ages_ms[run] + self.steps_ms[run] * after) / 1000
        rtt_ms, kept = self.rtt_ms, at_s >= since
        if not kept.all():
            place, at_s, rtt_ms = place[kept], at_s[kept], rtt_ms[kept]
        if len(self.places) > len(self.targets):
            order = np.lexsort((at_s, place))
            place, at_s, rtt_ms = place[order], at_s[order], rtt_ms[order]
        return place, at_s, rtt_ms


def of_report(report: Report) -> Columns:
    """The columns of a report that was checked."""
    named = [(t, runs if isinstance(runs, list) else [runs]) for t, runs in report.samples.items()]
    named = [(t, runs) for t, runs in named if runs]
    runs = [run for _, own in named for run in own]
    values = list(chain.from_iterable(run.rtt_ms for run in runs))
    rtt_ms = np.array(values, np.float64)  # None becomes NaN
    rtt_ms[rtt_ms == LOST] = np.inf
    return Columns(
        targets=[t for t, _ in named],
        places=np.repeat(np.arange(len(named)), np.array([len(own) for _, own in named], np.intp)),
        counts=np.array([len(run.rtt_ms) for run in runs], np.intp),
        ages_ms=np.array([run.age_ms for run in runs], np.float64),
        steps_ms=np.array([run.step_ms for run in runs], np.float64),
        rtt_ms=rtt_ms,
    )
