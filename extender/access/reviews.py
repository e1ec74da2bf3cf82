"""Questions to the API server about callers: each asked once, remembered, counted, and never too many in a second."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from extender.access.budget import Budget, Exhausted
from extender.access.memory import Answer, Memory
from extender.cluster.api import ApiError
from extender.errors import NotReady
from neilats.log import get_logger

__all__ = ["SPARE_S", "Reviews"]

SPARE_S: Final = 300.0
"""How long a good answer may be used beyond its time while no new one can be had.

An API server is away for minutes when it is upgraded; reports and plugins must not stop for that, and no flood of
made-up tokens may push out who was known before it. The price is that a revoked right lives for these minutes longer.
"""

RETRY_S: Final = 10.0
"""Between two tries to renew an answer that is used beyond its time."""

log = get_logger("extender.access")
V = TypeVar("V")


class Reviews(Generic[V]):
    """One kind of question; `counted` hears the outcomes, of which `names` are those of good and of bad answers.

    Good and bad answers are remembered apart, so that made-up tokens do not push out real ones.
    """

    def __init__(
        self,
        kind: str,
        names: tuple[str, str],
        budget: Budget,
        clock: Callable[[], float],
        counted: Callable[[str], None],
        most: tuple[int, int],
    ) -> None:
        self._kind, self._names, self._budget, self._clock, self._counted = kind, names, budget, clock, counted
        self._good: Memory[V] = Memory(most[0], clock)
        self._bad: Memory[V] = Memory(most[1], clock)
        self._asking: dict[bytes, asyncio.Task[V]] = {}
        self._failing = False

    async def of(self, key: bytes, caller: str, ask: Callable[[], Awaitable[Answer[V]]]) -> V:
        """The answer to the question with this key about a caller, from memory or by asking; raises NotReady."""
        known = self._good.get(key) or self._bad.get(key)
        if known and self._clock() < known.fresh_until:
            return known.value
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._renew(key, caller, ask, known), name=self._kind)
            task.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(task)  # one caller who goes away takes no answer from the others

    def _ended(self, key: bytes, task: asyncio.Task[V]) -> None:
        del self._asking[key]
        if not task.cancelled():
            task.exception()  # seen, even if every caller went away

    async def _renew(
        self, key: bytes, caller: str, ask: Callable[[], Awaitable[Answer[V]]], known: Answer[V] | None
    ) -> V:
        try:
            await self._budget.take(caller)
            answer = await ask()
        except Exhausted:
            self._counted("throttled")
            return self._spare(key, known, f"too many {self._kind}s are waiting")
        except ApiError as e:
            self._counted("failed")
            self._failed(e)
            return self._spare(key, known, f"the API server did not answer a {self._kind}")
        if self._failing:
            log.info(f"{self._kind}s work again")
        self._failing = False
        self._counted(self._names[0 if answer.good else 1])
        self._keep(key, answer)
        return answer.value

    def _keep(self, key: bytes, answer: Answer[V]) -> None:
        put, drop = (self._good, self._bad) if answer.good else (self._bad, self._good)
        drop.drop(key)
        put.put(key, answer)

    def _spare(self, key: bytes, known: Answer[V] | None, why: str) -> V:
        """A good answer whose time is over, where there is one; raises NotReady."""
        now = self._clock()
        if known is None or not known.good or now >= known.spare_until:
            raise NotReady(f"{why}; try again in a moment")
        again = min(now + RETRY_S, known.spare_until)
        self._good.put(key, Answer(known.value, True, again, known.spare_until))
        return known.value

    def _failed(self, error: Exception) -> None:
        """Say it once, not for every caller."""
        if not self._failing:
            log.error(f"{self._kind}s fail; callers who are not known yet are told to try again", extra={"why": error})
        self._failing = True
