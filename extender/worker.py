"""One thread for everything that takes longer than a decision may hold the event loop."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

__all__ = ["CHUNK_ROWS", "Worker"]

CHUNK_ROWS = 250
"""Rows of one piece of work, so that what is asked for now waits for one piece, not for a whole cluster's."""

T = TypeVar("T")


class Worker:
    """Runs pieces of work one after the other, in the order in which they come."""

    def __init__(self, name: str = "analysis") -> None:
        self._pool = ThreadPoolExecutor(1, name)
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, work: Callable[[], T]) -> T:
        """The result of a piece of work."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def start(self, job: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Let a job go on whoever waits for it: await it within `asyncio.shield`, or not at all."""
        task = asyncio.create_task(job)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    async def finish(self, job: Coroutine[Any, Any, T]) -> T:
        """The result of a job that goes on where its waiter is cancelled."""
        return await asyncio.shield(self.start(job))

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # who waited has it; when nobody waited any more, nobody misses it

    def close(self) -> None:
        """End the thread; what waits is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)
