"""A report's samples as arrays, whichever form it came in."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from prober.compact import AGES_PER_MS, RTT_LOST, RTT_UNMEASURED, RTTS_PER_MS, Packed
from prober.wire import LOST, MAX_AGE_MS, MAX_RTT_MS, MAX_RUN, MAX_RUNS, Report, WireError

__all__ = ["Columns", "of_packed", "of_report"]

Ints = NDArray[np.intp]
Floats = NDArray[np.float64]

MOST_RTT: Final = int(MAX_RTT_MS * RTTS_PER_MS)

_USUAL: Final = 1024
_FIRST: Final[Ints] = np.arange(_USUAL)
_ONES: Final[Ints] = np.ones(_USUAL, np.intp)
for _shared in (_FIRST, _ONES):
    _shared.flags.writeable = False
"""What is the same in most reports, which have no more runs than that, is not made for each."""


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
        if len(self.places) > len(self.targets) and not _ordered(place, at_s):
            order = np.lexsort((at_s, place))
            place, at_s, rtt_ms = place[order], at_s[order], rtt_ms[order]
        return place, at_s, rtt_ms


def _ordered(place: Ints, at_s: Floats) -> bool:
    """Whether samples are in order by target, and for each target by time; most reports have them so."""
    ahead = place[1:] - place[:-1]
    return bool(((ahead > 0) | ((ahead == 0) & (at_s[1:] >= at_s[:-1]))).all())


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


def of_packed(packed: Packed) -> Columns:
    """Check the columns of a compact report and read them; raises WireError with the place of the fault."""
    targets = packed.targets
    if len(set(targets)) < len(targets):
        raise WireError("a target comes twice - at `$.targets`")
    ages, values = _read(packed.ages, "<u4", "ages"), _read(packed.rtts, "<u4", "rtts")
    places = _places(packed, len(ages))
    counts, samples = _counts(packed, len(ages))
    if samples != len(values):
        raise WireError(f"{len(values)} samples, but the runs have {samples} - at `$.rtts`")
    ages_ms, steps_ms = ages / AGES_PER_MS, _steps_ms(packed, len(ages))
    oldest_ms = ages_ms + steps_ms * (counts - 1) if packed.counts else ages_ms
    _check_each(oldest_ms, -np.inf, MAX_AGE_MS, "the oldest sample is more than a day old", "ages")
    if packed.counts:
        of_targets = np.bincount(places, counts, minlength=len(targets))
        _check_each(of_targets, 0, MAX_RUN, f"a target has at most {MAX_RUN} samples", "targets")
    return Columns(targets, places, counts, ages_ms, steps_ms, _rtt_ms(values))


def _read(column: bytes, dtype: str, name: str) -> NDArray[Any]:
    size = int(dtype[-1])
    if len(column) % size:
        raise WireError(f"{len(column)} bytes are no whole numbers of {size} - at `$.{name}`")
    return np.frombuffer(column, dtype)


def _places(packed: Packed, runs: int) -> Ints:
    """Of which target each run is."""
    count = total = len(packed.targets)
    places = _FIRST[:count] if count <= _USUAL else np.arange(count)
    if packed.runs:
        own = _read(packed.runs, "<u2", "runs")
        if len(own) != count:
            raise WireError(f"{len(own)} numbers for {count} targets - at `$.runs`")
        _check_each(own, 1, MAX_RUNS, f"a target has from 1 to {MAX_RUNS} runs", "runs")
        places = np.repeat(places, own)
        total = len(places)
    if total != runs:
        raise WireError(f"{runs} ages, but the targets have {total} runs - at `$.ages`")
    return places


def _counts(packed: Packed, runs: int) -> tuple[Ints, int]:
    """How many samples each run has, and all together."""
    if not packed.counts:
        return _ONES[:runs] if runs <= _USUAL else np.ones(runs, np.intp), runs
    counts = _read(packed.counts, "<u2", "counts").astype(np.intp)
    if len(counts) != runs:
        raise WireError(f"{len(counts)} numbers for {runs} runs - at `$.counts`")
    return counts, int(counts.sum())


def _steps_ms(packed: Packed, runs: int) -> Floats:
    steps = _read(packed.steps, "<f4", "steps")
    if len(steps) != 1 and len(steps) != runs:
        raise WireError(f"{len(steps)} steps for {runs} runs; one for all, or one for each - at `$.steps`")
    _check_each(steps, 1, MAX_AGE_MS, "a step is from 1 ms to a day", "steps")
    return steps.astype(np.float64) if len(steps) == runs else np.full(runs, steps[0], np.float64)


def _check_each(numbers: NDArray[Any], least: float, most: float, rule: str, name: str) -> None:
    """Check that all numbers are within these limits, both included."""
    # A NaN becomes the least and the largest of all, and is within no limits.
    if len(numbers) and not (least <= np.minimum.reduce(numbers) and np.maximum.reduce(numbers) <= most):
        good = (numbers >= least) & (numbers <= most)
        raise WireError(f"{rule} - at `$.{name}[{int(good.argmin())}]`")


def _rtt_ms(values: NDArray[np.uint32]) -> Floats:
    rtt_ms = values / RTTS_PER_MS
    if len(values) and np.maximum.reduce(values) > MOST_RTT:
        lost, unmeasured = values == RTT_LOST, values == RTT_UNMEASURED
        rule = f"an RTT is from 0 to {MAX_RTT_MS:.0f} ms, lost or unmeasured"
        _check_each(np.where(lost | unmeasured, 0, values), 0, MOST_RTT, rule, "rtts")
        rtt_ms[lost], rtt_ms[unmeasured] = np.inf, np.nan
    return rtt_ms
