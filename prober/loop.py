"""The probe loop: sends what is due, matches replies, gives up on late ones, and decides what each sample is worth.

There is no task per probe: the loop wakes up for a few probes at a time. Outcomes wait in a queue until the judge
knows of all noise during their flight.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from neilats.log import get_logger
from prober.flights import Flight, Flights
from prober.metrics import Coverage, Metrics
from prober.noise import Judge
from prober.ping import Destination, Echo, NotSentError, Pinger, Sent, UnreachableError, round_trip
from prober.ring import UNMEASURED, Ring
from prober.schedule import Schedule
from prober.store import Store
from prober.targets import Goal
from prober.wire import LOST

__all__ = ["ProbeLoop"]

log = get_logger("prober")


@dataclass(slots=True)
class _Route:
    goal: Goal
    to: Destination
    ring: Ring


class ProbeLoop:
    """Drives one pinger. `clock` gives monotonic seconds of the same clock as the pinger's stamps."""

    def __init__(
        self,
        pinger: Pinger,
        schedule: Schedule,
        store: Store,
        judge: Judge,
        metrics: Metrics,
        *,
        timeout_s: float,
        control_interval_s: float,
        coverage: Coverage,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pinger, self._schedule, self._store = pinger, schedule, store
        self._judge, self._metrics, self._coverage = judge, metrics, coverage
        self._clock = clock
        self._control_interval = control_interval_s
        self._flights = Flights(timeout_s)
        self._controls = Flights(min(timeout_s, control_interval_s))
        self._control_to = pinger.control()
        self._control_due = clock()
        self._routes: dict[str, _Route] = {}
        self._number = 0
        self._sent = self._received = 0
        self._usual_send_ns = 0.0
        self._outcomes: deque[Flight] = deque()
        self.noisy = 0
        """Samples that did not count because the prober itself was the noise."""
        self.unroutable = 0
        """Targets whose address no open socket can reach."""
        self.stepped_at = clock()
        """When the loop last ran."""

    def retarget(self, goals: Mapping[str, Goal], bursts: Iterable[str] = ()) -> None:
        """Probe these nodes from now on; a new one, one with a new address and the named ones in a burst."""
        now = self._clock()
        for target in [t for t in self._routes if t not in goals]:
            self._drop(target, now)
        self.unroutable = 0
        for target, goal in goals.items():
            route = self._routes.get(target)
            if route is None or route.goal != goal:
                self._route(target, goal, now)
        self.burst(bursts)

    def burst(self, targets: Iterable[str]) -> None:
        """Probe these nodes in a burst; a running one goes on as it is."""
        now = self._clock()
        for target in targets:
            if target in self._routes:
                self._schedule.burst(target, now)
        self._metrics.targets.set(len(self._routes))

    def set_interval(self, interval_s: float) -> None:
        """Change the interval of the regular samples."""
        self._schedule.set_interval(interval_s, self._clock())

    async def run(self) -> None:
        """Probe until cancelled."""
        self._pinger.start(self.receive)
        due = self._clock()
        while True:
            due = self.step(due)
            await asyncio.sleep(max(0.0, due - self._clock()))

    def step(self, due: float) -> float:
        """Read the replies, send what is due, settle what is over; returns when to come back (monotonic s).

        `due` is when this step was to happen: being late shows the event loop's lag. The kernel has stamped the
        replies, so nothing is lost by reading them only now.
        """
        now = self.stepped_at = self._clock()
        self._judge.tick(due, now)
        self._pinger.drain()
        if now >= self._control_due:
            self._send_control(now)
        for slot in self._schedule.take(now):
            if slot.missed:
                self._skip(self._routes[slot.target].ring, slot.due, now)
            else:
                self._send(self._routes[slot.target], self._clock())
        self.settle()
        return min(self._schedule.next_wake(), self._control_due, now + self._judge.tick_s)

    def receive(self, echo: Echo) -> None:
        """Match a reply on its number (id, token and sequence were checked) and source address."""
        flight = self._flights.land(echo.number, echo.source) or self._controls.land(echo.number, echo.source)
        if flight is None:
            self._metrics.stray.inc()
            return
        if flight.done:
            self._metrics.late.inc()
            return
        rtt_ns, doubt = round_trip(flight.sent, echo, int(self._usual_send_ns))
        if flight.ring is None:
            self._control_answered(flight, rtt_ns, doubt)
        elif doubt != "clock" and rtt_ns > self._flights.timeout_s * 1e9:
            self._metrics.late.inc()
            self._finish(flight, LOST, flight.start + self._flights.timeout_s)
        else:
            self._received += 1
            flight.reason = doubt
            self._finish(flight, rtt_ns / 1e6, flight.start + rtt_ns / 1e9)

    def settle(self) -> None:
        """Time out what is overdue, then decide what the judge covers."""
        now = self._clock()
        if self._sent or self._received:
            self._metrics.sent.inc(self._sent)
            self._metrics.received.inc(self._received)
            self._sent = self._received = 0
        if self._flights.overdue(now) or self._controls.overdue(now):
            self._pinger.drain()  # a reply that waits in the socket has a stamp from when it came
            self._outcomes.extend(self._flights.expire(now))
            for flight in self._controls.expire(now):
                self._control_lost(flight.start, flight.end)
        while self._outcomes and self._judge.covers(self._outcomes[0].end):
            self._decide(self._outcomes.popleft(), now)

    def _send(self, route: _Route, now: float) -> None:
        self._number += 1
        try:
            sent = self._pinger.send(self._number, route.to)
        except NotSentError as e:
            log.debug("probe not sent", extra={"reason": e})
            self._skip(route.ring, now, now, "local")
        except UnreachableError:
            self._sent += 1
            flight = Flight(self._number, route.to, Sent(int(now * 1e9), 0, 0), route.ring, route.ring.open(now))
            self._finish(flight, LOST, now)
        else:
            self._sent += 1
            self._usual_send_ns += (min(sent.took_ns, 4 * self._usual_send_ns + 1000) - self._usual_send_ns) / 16
            index = route.ring.open(sent.monotonic_ns / 1e9)
            flight = Flight(self._number, route.to, sent, route.ring, index)
            self._flights.add(flight)

    def _send_control(self, now: float) -> None:
        self._control_due = max(self._control_due + self._control_interval, now)
        self._number += 1
        try:
            sent = self._pinger.send(self._number, self._control_to)
        except (NotSentError, UnreachableError):
            self._control_lost(now, now)
            return
        self._controls.add(Flight(self._number, self._control_to, sent))

    def _control_answered(self, flight: Flight, rtt_ns: int, doubt: str | None) -> None:
        flight.done = True
        if doubt != "clock":
            self._metrics.control.set(rtt_ns / 1e9)
            self._judge.control(flight.start, flight.start + rtt_ns / 1e9, rtt_ns / 1e6)

    def _control_lost(self, start: float, end: float) -> None:
        before = self._judge.control_silent
        self._judge.control(start, end, None)
        self._metrics.control_lost.inc()
        self._metrics.control.set(math.nan)
        if self._judge.control_silent and not before:
            log.warning("this host answers no probe to itself; only the event loop's lag shows the prober's own noise")

    def _finish(self, flight: Flight, value: float, end: float) -> None:
        flight.value, flight.end, flight.done = value, end, True
        self._outcomes.append(flight)

    def _decide(self, flight: Flight, now: float) -> None:
        assert flight.ring is not None
        noise = self._judge.verdict(flight.start, flight.end)
        reason = flight.reason or noise
        if noise is not None:
            self.noisy += 1
        if reason is not None:
            self._metrics.not_measured(reason)
        elif flight.value == LOST:
            self._metrics.lost.inc()
        else:
            self._metrics.rtt.observe(flight.value / 1e3)
        flight.ring.decide(flight.index, flight.value if reason is None else UNMEASURED)
        self._coverage.add(reason is None, now)

    def _skip(self, ring: Ring, at: float, now: float, reason: str = "stalled") -> None:
        ring.add(at, UNMEASURED)
        self._metrics.not_measured(reason)
        self._coverage.add(False, now)

    def _route(self, target: str, goal: Goal, now: float) -> None:
        try:
            to = self._pinger.destination(goal.address, goal.port)
        except ValueError as e:
            log.debug("target ignored", extra={"target": target, "reason": e})
            self.unroutable += 1
            self._drop(target, now)
            return
        moved = target in self._routes
        fresh = now - self._store.ring(target).last_time < 2 * self._schedule.interval_s
        self._routes[target] = _Route(goal, to, self._store.ring(target))
        self._schedule.add(target, now, burst=not fresh)
        if moved:
            self._schedule.burst(target, now)

    def _drop(self, target: str, now: float) -> None:
        if self._routes.pop(target, None) is not None:
            self._schedule.remove(target)
            self._store.retire(target, now)
