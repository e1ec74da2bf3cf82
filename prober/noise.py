"""When the prober itself is the noise. Pure: times come in as monotonic seconds.

A control probe over the loopback and the wake-ups of the event loop show it. A sample is judged only when control
results and ticks from after its flight are known.
"""

import math
from collections import deque
from typing import Final, NamedTuple

__all__ = ["REASONS", "Judge"]

REASONS: Final = ("control", "lag")
"""Why a sample does not count: the loopback was slow or silent, the event loop was late."""

_UNANSWERED: Final = 5
_UNANSWERED_LATER: Final = 60
"""So many lost control probes in a row, before and after the first answer, mean that this host answers none (a
firewall, icmp_echo_ignore_all), not that it is noisy."""

_FADE: Final = 0.99
"""What is left of the shown lag after each tick."""

_KEPT_S: Final = 300.0


class _Noise(NamedTuple):
    start: float
    end: float


class Judge:
    """Collects what disturbed the prober; times are monotonic seconds.

    `control_limit_ms` bounds the loopback round trip, `lag_limit_ms` the event loop's lag. A control probe speaks for
    the half interval around it.
    """

    def __init__(self, *, control_limit_ms: float, lag_limit_ms: float, control_interval_s: float) -> None:
        self._control_limit_ms = control_limit_ms
        self._lag_limit_ms = lag_limit_ms
        self._half = control_interval_s / 2
        self._noises: dict[str, deque[_Noise]] = {reason: deque() for reason in REASONS}
        self._control_known = -math.inf
        self._ticked = -math.inf
        self._unanswered = 0
        self._answered = False
        self.control_ms: float | None = None
        """The latest loopback round trip; None before the first and after a lost one."""
        self.lag_ms = 0.0
        """The event loop's lag: the recent peak, which fades within seconds."""

    @property
    def tick_s(self) -> float:
        """Ticks have to come at least this often, so that no stall of three limits goes unseen."""
        return max(self._lag_limit_ms / 500, 0.02)

    @property
    def control_silent(self) -> bool:
        """Whether this host answers no control probe, so that only the lag can show noise."""
        return self._unanswered >= (_UNANSWERED_LATER if self._answered else _UNANSWERED)

    def control(self, start: float, end: float, rtt_ms: float | None) -> None:
        """The outcome of the control probe that was sent at `start`; None is lost. They come in order."""
        self.control_ms = rtt_ms
        self._control_known = max(self._control_known, start)
        if rtt_ms is None:
            self._unanswered += 1
        else:
            self._answered, self._unanswered = True, 0
        if self.control_silent:
            return
        if rtt_ms is None or rtt_ms > self._control_limit_ms:
            self._add("control", _Noise(start - self._half, end + self._half))

    def tick(self, due: float, now: float) -> None:
        """A tick of the event loop that was due at `due` came at `now`."""
        lag_ms = max(0.0, now - due) * 1000
        self.lag_ms = max(lag_ms, self.lag_ms * _FADE)
        if lag_ms > self._lag_limit_ms:
            self._add("lag", _Noise(self._ticked if math.isfinite(self._ticked) else due, now))
        self._ticked = now

    def covers(self, end: float) -> bool:
        """Whether everything that could speak against a flight that ended at `end` is known."""
        return end <= self._control_known and end <= self._ticked

    def verdict(self, start: float, end: float) -> str | None:
        """Why a flight from `start` to `end` does not count; None when nothing speaks against it."""
        return next((reason for reason, noises in self._noises.items() if _touches(noises, start, end)), None)

    def _add(self, reason: str, noise: _Noise) -> None:
        """Remember it; what touches the last of the same kind extends that one, so they never overlap."""
        noises = self._noises[reason]
        if noises and noise.start <= noises[-1].end:
            last = noises.pop()
            noise = _Noise(min(last.start, noise.start), max(last.end, noise.end))
        noises.append(noise)
        while noise.end - noises[0].end > _KEPT_S:
            noises.popleft()


def _touches(noises: deque[_Noise], start: float, end: float) -> bool:
    """Whether any of these overlaps the time from `start` to `end`; newest first, because flights are recent."""
    for noise in reversed(noises):
        if noise.end < start:
            return False
        if noise.start <= end:
            return True
    return False
