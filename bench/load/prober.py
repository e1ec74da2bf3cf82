"""One simulated prober: which samples are due, the report that is in flight, and what was acknowledged. Pure: times
come in as seconds.

Like the real one it spreads its targets over the interval, sends only what is not acknowledged yet, keeps a report's
number and samples until it is. Unlike it, it keeps no ring: asked for one, it only counts that.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from bench.load.paths import Paths
from prober.wire import Report, Run

__all__ = ["LoadProber"]

Taken = tuple[int, float, list[float | None]]
"""Samples of one target, a step apart: its place, the time of the newest (s), RTTs (ms)."""


@dataclass
class _Batch:
    """The report in flight."""

    seq: int
    samples: list[Taken]

    @property
    def count(self) -> int:
        return sum(len(rtt_ms) for _, _, rtt_ms in self.samples)


class LoadProber:
    """A node's prober with fixed targets. `history` samples of each are there from the start."""

    def __init__(
        self, node: str, targets: Sequence[str], paths: Paths, interval_s: float, history: int, began: float
    ) -> None:
        self.node, self._targets, self._paths, self._interval_s = node, targets, paths, interval_s
        self._history, self._seq = history, 0
        self._phase_s = interval_s / max(1, len(targets))
        self._began, self._next = began, 0
        self._waiting: deque[Taken] = deque()
        self._flight: _Batch | None = None
        self._list = ""
        self.acknowledged = 0
        self.resyncs = 0

    def overdue(self, before: float) -> int:
        """Samples from before that time which are not acknowledged yet."""
        unsent = [*self._waiting, *(self._flight.samples if self._flight else ())]
        return sum(len(rtt_ms) for _, at, rtt_ms in unsent if at < before)

    def report(self, now: float) -> Report:
        """What to send now: the unacknowledged report again, else a new one of all that is due."""
        self._measure(now)
        if self._flight is None:
            self._seq += 1
            self._flight = _Batch(self._seq, list(self._waiting))
            self._waiting.clear()
        flight = self._flight
        step_ms = self._interval_s * 1000
        samples: dict[str, Run | list[Run]] = {}
        for place, at, rtt_ms in flight.samples:
            run = Run(round((now - at) * 1000, 1), step_ms, rtt_ms)
            before = samples.get(self._targets[place])
            samples[self._targets[place]] = run if before is None else [*_listed(before), run]
        return Report(self.node, "bench", flight.seq, step_ms, samples, targets_version=self._list)

    def accepted(self, *, resync: bool = False, targets_version: str = "") -> None:
        """The report was applied; with `resync` the extender knows nothing of those before it.

        `targets_version` names the list that came along, if one did.
        """
        self._list = targets_version or self._list
        if self._flight is not None:
            self.acknowledged += self._flight.count
            self._flight = None
        self.resyncs += resync

    def _measure(self, now: float) -> None:
        if self._history:
            place_s = [(i + 1 - len(self._targets)) * self._phase_s for i in range(len(self._targets))]
            rings = self._paths.samples(self._history).tolist()
            self._waiting.extend((i, self._began + place_s[i], ring) for i, ring in enumerate(rings))
            self._history = 0
        # Sample i is of target i % n.
        while (at := self._began + (self._next + 1) * self._phase_s) <= now:
            place = self._next % len(self._targets)
            self._waiting.append((place, at, [self._paths.one(place)]))
            self._next += 1


def _listed(found: Run | list[Run]) -> list[Run]:
    return found if isinstance(found, list) else [found]
