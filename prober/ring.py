"""One target's latest samples, and the runs in which they travel.

A sample takes its slot when it is sent and gets its value when the outcome is certain. It becomes reportable in order,
so each replica's acknowledgement is one index.
"""

import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice
from typing import Final

from prober.wire import LOST, MAX_AGE_MS, MAX_RTT_MS, MAX_RUN, Run

__all__ = ["UNMEASURED", "Ring"]

UNMEASURED: Final = math.nan
"""A slot in which nothing was measured."""

_PENDING: Final = -2.0
_OLDEST_S: Final = MAX_AGE_MS / 1000 - 60
"""Older samples are not reported: a retransmission must still fit the format's limit."""

_TOLERANCE: Final = 0.05
_TOLERANCE_S: Final = 0.050
"""A sample fits a run when its time is this close to the run's grid: a share of the step, at most this long."""


class Ring:
    """A bounded series of (time, RTT); times are monotonic seconds and never fall.

    Values are milliseconds, LOST, or NaN where nothing was measured. `first` is the index of the first sample to come.
    """

    def __init__(self, capacity: int, first: int = 0) -> None:
        if capacity < 1:
            raise ValueError(f"a ring of {capacity} samples holds nothing")
        self._capacity = capacity
        self._first = first
        self._next = first
        self.decided = first
        """Index after the last reportable sample: everything before it has its value."""
        self._times = array("d")
        self._values = array("d")

    @property
    def oldest(self) -> int:
        """Index of the oldest sample still held."""
        return max(self._first, self._next - self._capacity)

    @property
    def end(self) -> int:
        """Index that the next sample will get."""
        return self._next

    @property
    def last_time(self) -> float:
        """Time of the newest sample, -inf before the first."""
        return self._times[self._at(self._next - 1)] if self._next > self._first else -math.inf

    def open(self, time: float) -> int:
        """Take the slot of a sample sent at `time` (monotonic s); its value follows by `decide`."""
        time = max(time, self.last_time)
        at = self._at(self._next)
        if at < len(self._times):
            self._times[at], self._values[at] = time, _PENDING
        else:
            self._times.append(time)
            self._values.append(_PENDING)
        self._next += 1
        self.decided = max(self.decided, self._next - self._capacity)
        return self._next - 1

    def decide(self, index: int, rtt_ms: float) -> None:
        """Give a sample its value; one that was overwritten meanwhile is ignored."""
        if not self.oldest <= index < self._next:
            return
        self._values[self._at(index)] = min(rtt_ms, MAX_RTT_MS) if rtt_ms >= 0 or rtt_ms == LOST else UNMEASURED
        while self.decided < self._next and self._values[self._at(self.decided)] != _PENDING:
            self.decided += 1

    def add(self, time: float, rtt_ms: float) -> None:
        """A sample whose value is known at once."""
        self.decide(self.open(time), rtt_ms)

    def samples(self, since: int) -> list[tuple[float, float]]:
        """The reportable (time, value) pairs from index `since` on."""
        return list(zip(self._part(self._times, since), self._part(self._values, since), strict=True))

    def runs_since(self, since: int, now: float) -> list[Run]:
        """The reportable samples from index `since` on as runs, oldest first; ages are relative to `now`."""
        if since == self.decided - 1 and since >= self.oldest:  # nearly always
            at = self._at(since)
            return [_run(self._times[at], (self._values[at],), 1.0, now)] if now - self._times[at] <= _OLDEST_S else []
        times, values = self._part(self._times, since), self._part(self._values, since)
        start = bisect_left(times, now - _OLDEST_S)
        runs = []
        while start < len(times):
            end, step_s = _reach(times, start)
            runs.append(_run(times[start], values[start:end], step_s, now))
            start = end
        return runs

    def _part(self, column: "array[float]", since: int) -> list[float]:
        """What a column holds of the reportable samples from index `since` on."""
        start = max(since, self.oldest)
        if start >= self.decided:
            return []
        begin, count = self._at(start), self.decided - start
        return (column[begin : begin + count] + column[: max(0, begin + count - self._capacity)]).tolist()

    def _at(self, index: int) -> int:
        return (index - self._first) % self._capacity


def _reach(times: list[float], start: int) -> tuple[int, float]:
    """Where the run from `start` ends, and its step (s): as far as the samples lie on a regular grid.

    Keeps the range of steps for which every sample is within the tolerance of the grid through the first one.
    """
    first = times[start]
    low, high, n = 0.001, math.inf, 0
    for time in islice(times, start + 1, start + MAX_RUN):
        n += 1
        passed = time - first
        slack = _TOLERANCE * passed / n
        if slack > _TOLERANCE_S:
            slack = _TOLERANCE_S
        lower, upper = (passed - slack) / n, (passed + slack) / n
        if lower < low:  # max() and min() would take most of the time of a whole ring
            lower = low
        if upper > high:
            upper = high
        if lower > upper:
            return start + n, _middle(low, high)
        low, high = lower, upper
    return start + n + 1, _middle(low, high)


def _middle(low: float, high: float) -> float:
    return (low + high) / 2 if math.isfinite(high) else 1.0


def _run(first: float, values: Sequence[float], step_s: float, now: float) -> Run:
    newest = first + step_s * (len(values) - 1)
    return Run(
        round(min(max(0.0, now - newest) * 1000, MAX_AGE_MS), 1),
        round(max(step_s * 1000, 1.0), 3),
        [None if v != v else round(v, 4) for v in values],
    )
