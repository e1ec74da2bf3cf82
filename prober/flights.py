"""Probes on their way: who waits for which reply, and for how long. Pure: times come in as monotonic seconds.

One dict and one queue in order of sending; no task and no timer per probe.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from prober.ping import Destination, Sent
from prober.ring import Ring
from prober.wire import LOST

__all__ = ["Flight", "Flights"]

LATE_KEPT_S: Final = 30.0
"""How long after its timeout a reply is still recognised as late."""


@dataclass(slots=True)
class Flight:
    """A probe that was sent; `ring` and `index` say whose sample it is, a control probe has none.

    `value` (ms), `reason` (why it does not count) and `end` (monotonic s) hold once it is `done`.
    """

    number: int
    to: Destination
    sent: Sent
    ring: Ring | None = None
    index: int = 0
    value: float = LOST
    reason: str | None = None
    end: float = 0.0
    done: bool = False

    @property
    def start(self) -> float:
        """When it was sent (monotonic s)."""
        return self.sent.monotonic_ns / 1e9


class Flights:
    """Probes with one timeout in common."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._by_number: dict[int, Flight] = {}
        self._waiting: deque[Flight] = deque()
        self._late: deque[tuple[float, int]] = deque()

    def __len__(self) -> int:
        return len(self._by_number)

    def add(self, flight: Flight) -> None:
        """Wait for its reply; flights are added in order of sending."""
        self._by_number[flight.number] = flight
        self._waiting.append(flight)

    def land(self, number: int, source: str) -> Flight | None:
        """The flight that a reply from `source` belongs to, once; it is `done` when the reply is late."""
        flight = self._by_number.get(number)
        if flight is None or flight.to.address != source:
            return None
        del self._by_number[number]
        return flight

    def overdue(self, now: float) -> bool:
        """Whether some flight has waited longer than the timeout."""
        while self._waiting and self._waiting[0].done:
            self._waiting.popleft()
        while self._late and self._late[0][0] < now:
            self._by_number.pop(self._late.popleft()[1], None)
        return bool(self._waiting) and now - self._waiting[0].start > self.timeout_s

    def expire(self, now: float) -> list[Flight]:
        """Give up those that are overdue; a reply that still comes is late."""
        expired = []
        while self.overdue(now):
            flight = self._waiting.popleft()
            flight.done, flight.end = True, flight.start + self.timeout_s
            self._late.append((now + LATE_KEPT_S, flight.number))
            expired.append(flight)
        return expired
