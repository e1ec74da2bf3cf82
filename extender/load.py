"""How much the reports are, and how long each prober is to wait between two of them because of it.

The pause follows from what there is: so many probers, each report costing so much, and a share of a core that reports
may take. Where that proves too little, because the event loop is busy all the same, the pause grows step by step.
"""

import time
from collections.abc import Callable
from math import ceil
from typing import Final

__all__ = ["Load"]

MOST_PER_S: Final = 500.0
"""Reports a second in normal operation: 5,000 probers, one report each in ten seconds."""

URGENT_PER_S: Final = 250.0
"""Reports a second beyond that of probers that measure for a pod that waits; each sends one a second if it may."""

SHARE: Final = 0.25
"""Part of a core that reports may take: with 5,000 probers all that is done the whole time then fits in two fifths."""

HTTP_S: Final = 200e-6
"""What reading a report and writing its answer take by the HTTP framework, beside what is measured here: decoding and
applying it. The lane (`extender.lanereports`) takes less."""

LEAST_S: Final = 1.0
"""A shorter pause is not asked for: probers report less often by themselves, but for those that measure in a burst."""

MOST_INTERVALS: Final = 1.5
"""Longest pause, in intervals: a path counts as unknown after four, and a prober's ring holds dozens."""

LEAST_SPREAD: Final = 0.8
MOST_SPREAD: Final = 1.5
"""Pauses of one prober that the reports of all may be spread with, in parts of the usual one."""

BUSY: Final = 0.8
IDLE: Final = 0.6
"""Share of a core above and below which the pause grows and shrinks."""

GROW: Final = 1.25
SHRINK: Final = 0.9
MOST_STRETCH: Final = 8.0
SAMPLE_S: Final = 1.0
SMOOTH: Final = 1 / 64


class Load:
    """Hears of every report. `clock` gives seconds, `cpu_s` those of the event loop's thread on a core."""

    def __init__(
        self,
        interval_s: float,
        fresh_for_s: float,
        clock: Callable[[], float] = time.monotonic,
        cpu_s: Callable[[], float] = time.thread_time,
    ) -> None:
        self._most_s = min(MOST_INTERVALS * interval_s, fresh_for_s / 2)
        self._clock, self._cpu_s = clock, cpu_s
        self._sampled, self._cpu_before = clock(), cpu_s()
        self._cost_s = 0.0
        self._stretch = 1.0
        self._refused = False
        self._spread_to = clock()
        self.overloaded = False
        """Whether the event loop was busy, or a report refused, in the last second that was looked at."""

    def handled(self, spent_s: float) -> None:
        """A report took so long from its body to its answer."""
        self._cost_s += (spent_s - self._cost_s) * (SMOOTH if self._cost_s else 1.0)
        self._sample()

    def refused(self) -> int:
        """A report had to be refused; returns in how many seconds it may come again."""
        self._refused = self.overloaded = True
        self._sample()
        return max(1, min(ceil(self._stretch), int(self._most_s)))

    def pause_s(self, probers: int) -> float:
        """Seconds between two reports of one prober, where there are so many; 0 where its own pace will do."""
        return self._pause_s(probers, min(MOST_PER_S, SHARE / (self._cost_s + HTTP_S)))

    def longest_pause_s(self, probers: int) -> float:
        """The longest that any one of so many probers may be asked for; 0 where its own pace will do."""
        return min(MOST_SPREAD * self.pause_s(probers), self._most_s)

    def spread_s(self, pause_s: float, probers: int) -> float:
        """The pause of the one that reported just now, near `pause_s`, such that those of so many come evenly.

        Probers that begin together, as after a restart of either side, would else keep in step for long: what they
        themselves add at random is a few percent of a pause. Each gets a place of its own, one after the other.
        """
        now = self._clock()
        place = max(self._spread_to + pause_s / max(probers, 1), now + LEAST_SPREAD * pause_s)
        self._spread_to = min(place, now + min(MOST_SPREAD * pause_s, self._most_s))
        return self._spread_to - now

    def urgent_pause_s(self, probers: int, urgent: int) -> float:
        """The same for one that measures for a pod that waits, as so many of them do: shorter unless it is too much."""
        usual_s = self.pause_s(probers)
        return usual_s if self.overloaded else min(usual_s, self._pause_s(urgent, URGENT_PER_S))

    def _pause_s(self, probers: int, per_s: float) -> float:
        pause_s = min(probers / per_s * self._stretch, self._most_s)
        return pause_s if pause_s > LEAST_S else 0.0

    def _sample(self) -> None:
        """Once a second, see how busy the event loop was since the last time."""
        now = self._clock()
        if (passed_s := now - self._sampled) < SAMPLE_S:
            return
        cpu_s = self._cpu_s()
        busy = (cpu_s - self._cpu_before) / passed_s
        self._sampled, self._cpu_before = now, cpu_s
        self.overloaded = self._refused or busy > BUSY
        self._refused = False
        if self.overloaded:
            self._stretch = min(MOST_STRETCH, self._stretch * GROW)
        elif busy < IDLE:
            self._stretch = max(1.0, self._stretch * SHRINK)
