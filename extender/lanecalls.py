"""A connection of the lane on which kube-scheduler calls."""

import time
from asyncio import Task, iscoroutine
from collections.abc import Awaitable
from functools import partial

from extender.calls import Call, Decided
from extender.heads import Head
from extender.laneconnection import Connection
from extender.rawanswers import success

__all__ = ["CallConnection"]


class CallConnection(Connection[Call]):
    """Each call is decided once its body is there: at once where that can be, and else in a task."""

    __slots__ = ()

    def _asked(self, call: Call, head: Head, body: bytes | None) -> None:
        if body is not None:
            self._came(call, body)

    def _came(self, call: Call, body: bytes | memoryview) -> None:
        try:
            decided = call.decide(body)
        except Exception as e:
            self._refuse(call, e)
            return
        if isinstance(decided, tuple):
            self._answer(call, decided)
        else:
            call.first.enter()  # now, as other work may get its turn before the task does
            self._task = self._loop.create_task(self._wait(call, decided))
            self._task.add_done_callback(partial(_ended, call, decided))

    def _broke_off(self, call: Call, error: Exception) -> None:
        self._count(call, "error")

    async def _wait(self, call: Call, decided: Awaitable[Decided]) -> None:
        try:
            found = await decided
        except Exception as e:
            self._task = None
            self._refuse(call, e)
        else:
            self._task = None
            self._answer(call, found)
        finally:
            self._task = None
            if self._lost:
                self._lane.left(self)

    def _answer(self, call: Call, decided: Decided) -> None:
        pieces, outcome = decided
        self._write(call, success(pieces))
        self._count(call, outcome)

    def _refuse(self, call: Call, error: Exception) -> None:
        self._fail(call, error)
        self._count(call, "error")

    def _count(self, call: Call, outcome: str) -> None:
        self._loop.call_soon(call.count, outcome, time.perf_counter() - self._began)


def _ended(call: Call, decided: Awaitable[Decided], task: Task[None]) -> None:
    call.first.leave()
    if iscoroutine(decided):  # of a task that was cancelled before it began
        decided.close()
