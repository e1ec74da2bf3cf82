"""A few threads for everything that takes longer than a decision may hold the event loop."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

__all__ = ["CHUNK_ROWS", "Worker", "lanes"]

CHUNK_ROWS = 500
"""Rows of one piece of work, so that what is asked for now waits for one piece, not for a whole cluster's: about 6 ms.
With fewer rows what each call costs by itself counts for more than what it computes."""

T = TypeVar("T")


class Worker:
    """Begins pieces of work in the order in which they come, at most as many at a time as it has threads."""

    def __init__(self, threads: int = 1, name: str = "analysis") -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, name)
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, work: Callable[[], T]) -> T:
        """The result of a piece of work."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def each(self, pieces: Iterable[Callable[[], Coroutine[Any, Any, None]]], at_once: int | None = None) -> None:
        """Await every piece of a job, few at a time, so that other jobs' get between.

        One more is under way than there are threads, unless `at_once` says otherwise: no thread waits for the event
        loop to hand it the next.
        """
        await lanes(pieces, at_once or self._threads + 1)

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
        """End the threads; what waits is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


async def lanes(pieces: Iterable[Callable[[], Coroutine[Any, Any, None]]], at_once: int) -> None:
    """Await every piece, so many at a time, begun in their order."""
    left = iter(pieces)

    async def lane() -> None:
        for piece in left:
            await piece()

    await asyncio.gather(*(lane() for _ in range(at_once)))
