"""Answers that are remembered for a while, only so many of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Answer", "Memory"]

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Answer(Generic[V]):
    """What was answered: as good as new until `fresh_until`, and usable in need until `spare_until` (monotonic s)."""

    value: V
    good: bool
    fresh_until: float
    spare_until: float


class Memory(Generic[V]):
    """At most `most` answers by key; the oldest go first, and those that are over."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most, self._clock = most, clock
        self._answers: dict[bytes, Answer[V]] = {}  # in the order they were put, so roughly as they end

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: bytes) -> Answer[V] | None:
        """The answer, fresh or spare."""
        found = self._answers.get(key)
        return found if found and self._clock() < found.spare_until else None

    def put(self, key: bytes, answer: Answer[V]) -> None:
        """Remember an answer in place of an older one."""
        self.drop(key)
        self._answers[key] = answer
        now = self._clock()
        while len(self._answers) > self._most or self._oldest().spare_until <= now:
            del self._answers[next(iter(self._answers))]
            if not self._answers:
                return

    def drop(self, key: bytes) -> None:
        """Forget an answer, if there is one."""
        self._answers.pop(key, None)

    def _oldest(self) -> Answer[V]:
        return next(iter(self._answers.values()))
