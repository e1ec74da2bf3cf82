"""The nodes of the last calls, by the JSON of their names: prioritize has the names that filter has just passed."""

from collections import deque
from typing import Final

from extender.candidates import Candidates

__all__ = ["RecentLists"]

KEPT: Final = 4
"""kube-scheduler takes one pod at a time; a few of its pods may be under way towards several replicas."""

LONGEST: Final = 1 << 20
"""Bytes of a list that is kept: ten times those of 5,000 names."""


class RecentLists:
    """A few lists of names, as bytes, and the candidates that they are."""

    def __init__(self) -> None:
        self._lists: deque[tuple[bytes, Candidates]] = deque(maxlen=KEPT)

    def find(self, text: bytes) -> Candidates | None:
        """The candidates that came with the same bytes."""
        return next((candidates for known, candidates in self._lists if known == text), None)

    def keep(self, text: bytes, candidates: Candidates) -> None:
        """Remember these instead of the oldest, unless they are too long."""
        if len(text) <= LONGEST:
            self._lists.appendleft((text, candidates))

    def clear(self) -> None:
        """Forget all."""
        self._lists.clear()
