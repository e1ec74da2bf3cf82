"""Whether kube-scheduler calls filter at all, by the calls that reach this replica.

A prioritize call alone proves nothing: behind one Service the attempt's filter call may have gone to another replica,
and a restart may lie between the two.
"""

from collections.abc import Callable
from typing import Final

__all__ = ["FilterCalls"]

ATTEMPTS: Final = 3
"""So many attempts without a filter call, of one pod or over a while of any, are no accident."""

WHILE_S: Final = 300.0


class FilterCalls:
    """What was missed since the last filter call of any pod. `clock` is in monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._missed = 0
        self._since = 0.0

    def came(self) -> None:
        """Filter was called, for whatever pod."""
        self._missed = 0

    def missed(self, attempts: int) -> bool:
        """A `require` pod is scored unfiltered, for the `attempts`th time in a row; returns whether nobody filters."""
        now = self._clock()
        if not self._missed:
            self._since = now
        self._missed += 1
        return attempts >= ATTEMPTS or (self._missed >= ATTEMPTS and now - self._since >= WHILE_S)
