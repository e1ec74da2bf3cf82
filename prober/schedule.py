"""Who is probed next, and when. Pure: times come in as monotonic seconds.

Each target has a stable phase on the interval's grid, so sends spread evenly and a window's samples lie on a grid.
A burst is quicker but just as spread. What a stalled loop missed is skipped, never sent all at once.
"""

import heapq
import math
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple

__all__ = ["Schedule", "Slot"]

GAP_S: Final = 0.001
"""Least time between two sends of few targets."""

SINGLE_PER_S: Final = 20.0
"""Up to this many sends a second each has its own wake-up."""

GROUP: Final = 10
"""Sends in one wake-up above that, on average; the wake-ups are up to GROUP_S apart."""

GROUP_S: Final = 0.1

_SLACK: Final = 0.25
_SLACK_S: Final = 0.25
"""A slot is missed when it is later than this share of its step, at most this long."""

_MISSED_KEPT: Final = 4
"""Missed slots of a target that are reported after a stall; the ones before it stay a gap."""


class Slot(NamedTuple):
    """A target's turn; `missed` says that its time is over and nothing may be sent."""

    target: str
    due: float
    missed: bool


@dataclass(slots=True)
class _Entry:
    phase: float
    due: float = math.inf
    left: int = 0
    version: int = 0


class Schedule:
    """Paces the probes of one prober, named `own`; `burst_count` 0 switches bursts off."""

    def __init__(self, own: str, *, interval_s: float, burst_count: int, burst_interval_s: float) -> None:
        self._own = own
        self._interval = interval_s
        self._burst_count = burst_count
        self._burst_interval = burst_interval_s
        self._entries: dict[str, _Entry] = {}
        self._heap: list[tuple[float, str, int]] = []
        self._bursting = 0
        self._free_at = -math.inf
        self._placed = 0

    @property
    def interval_s(self) -> float:
        """Seconds between two regular samples of a target."""
        return self._interval

    @property
    def bursting(self) -> int:
        """Targets in a burst now."""
        return self._bursting

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, target: str, now: float, *, burst: bool = True) -> None:
        """Probe this target from now on; a known one is left as it is."""
        if target in self._entries:
            return
        entry = self._entries[target] = _Entry(_phase(self._own, target))
        if burst:
            self.burst(target, now)
        if not entry.left:
            self._place(target, entry, self._grid(entry, now))

    def remove(self, target: str) -> None:
        """Probe this target no more."""
        entry = self._entries.pop(target, None)
        if entry is not None and entry.left:
            self._bursting -= 1

    def burst(self, target: str, now: float) -> None:
        """Start a burst; one that is running goes on as it is."""
        entry = self._entries[target]
        if entry.left or not self._burst_count:
            return
        entry.left = self._burst_count
        self._bursting += 1
        self._place(target, entry, self._grid(entry, now))

    def set_interval(self, interval_s: float, now: float) -> None:
        """Change the interval; every target moves to the new grid."""
        if interval_s == self._interval:
            return
        self._interval = interval_s
        self._heap.clear()
        for target, entry in self._entries.items():
            self._place(target, entry, self._grid(entry, now))

    def next_wake(self) -> float:
        """When `take` has something next; inf without targets."""
        top = self._top()
        if top is None:
            return math.inf
        pause, _ = self._pace()
        due = top.due if pause <= GAP_S else math.ceil(top.due / pause) * pause
        return max(due, self._free_at)

    def take(self, now: float) -> list[Slot]:
        """The slots whose time has come: every missed one, and no more to send than pacing allows at once."""
        slots: list[Slot] = []
        if now < self._free_at:
            return slots
        pause, left = self._pace()
        while left and (entry := self._top()) is not None and entry.due <= now:
            _, target, _ = heapq.heappop(self._heap)
            step = self._step(entry)
            missed = now - entry.due > min(_SLACK * step, _SLACK_S)
            slots.append(Slot(target, entry.due, missed))
            self._advance(target, entry, now)
            left -= not missed
        if slots:
            self._free_at = now + pause if pause <= GAP_S else math.floor(now / pause + 1) * pause
        return slots

    def _pace(self) -> tuple[float, int]:
        """Seconds between two wake-ups, and how many may be sent in one.

        Waking up costs more than a probe. Few targets are sent one by one; many in small groups, a few hundred
        microseconds each, spread over the whole interval.
        """
        quick = min(self._burst_interval, self._interval)
        per_second = self._bursting / quick + (len(self._entries) - self._bursting) / self._interval
        if per_second <= SINGLE_PER_S:
            return GAP_S, 1
        pause = min(GROUP / per_second, GROUP_S, 0.1 * (quick if self._bursting else self._interval))
        return pause, math.ceil(1.6 * per_second * max(pause, GAP_S))

    def _advance(self, target: str, entry: _Entry, now: float) -> None:
        step = self._step(entry)
        after = max(entry.due + step / 2, now - _MISSED_KEPT * step)
        if entry.left:
            entry.left -= 1
            if not entry.left:
                self._bursting -= 1
                after = entry.due
        self._place(target, entry, self._grid(entry, after))

    def _step(self, entry: _Entry) -> float:
        return min(self._burst_interval, self._interval) if entry.left else self._interval

    def _grid(self, entry: _Entry, after: float) -> float:
        """The first time after `after` on this target's grid."""
        step = self._step(entry)
        offset = entry.phase * step
        return offset + (math.floor((after - offset) / step) + 1) * step

    def _place(self, target: str, entry: _Entry, due: float) -> None:
        entry.due = due
        self._placed = entry.version = self._placed + 1
        heapq.heappush(self._heap, (due, target, entry.version))

    def _top(self) -> _Entry | None:
        """The entry that is due first; what was moved or removed is dropped on the way."""
        while self._heap:
            _, target, version = self._heap[0]
            entry = self._entries.get(target)
            if entry is not None and entry.version == version:
                return entry
            heapq.heappop(self._heap)
        return None


def _phase(own: str, target: str) -> float:
    """A number in [0, 1) that stays the same over restarts and differs between the two directions of a pair."""
    digest = blake2b(f"{own}\0{target}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2.0**64
