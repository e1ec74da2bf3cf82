"""kube-scheduler's calls go first: who can wait a few milliseconds asks here whether one is being answered."""

import time
from collections.abc import Callable
from typing import Final

__all__ = ["LONGEST_S", "Precedence"]

LONGEST_S: Final = 0.02
"""What can wait does so no longer than this: a call may itself be waiting, for forecasts or for other calls."""


class Precedence:
    """Entered and left with each call, also as a context manager.

    `latest` is when the last one came, in seconds of the clock.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._calls = clock, 0
        self._then: list[Callable[[], None]] = []
        self.latest = float("-inf")
        self._began = float("-inf")

    def enter(self) -> None:
        """A call has come; to be followed by one `leave`."""
        self.latest = self._clock()
        if not self._calls:
            self._began = self.latest
        self._calls += 1

    def __enter__(self) -> None:
        self.enter()

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """It has ended."""
        self._calls -= 1
        if not self._calls:
            waiting, self._then = self._then, []
            for work in waiting:
                work()

    @property
    def left_s(self) -> float:
        """Seconds for which others are to wait at most; 0 where none is being answered, or they waited long enough."""
        return max(0.0, self._began + LONGEST_S - self._clock()) if self._calls else 0.0

    def then(self, work: Callable[[], None]) -> None:
        """Call this once, when no call is being answered any more; to be asked for only while one is."""
        self._then.append(work)
