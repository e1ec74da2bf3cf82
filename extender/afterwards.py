"""What is not part of an answer runs once the answer has been sent."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from neilats.log import get_logger

__all__ = ["Afterwards"]

log = get_logger("extender.afterwards")


class Afterwards:
    """Runs work in the order in which it comes; what fails is logged and holds nothing up."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def __call__(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this soon: the event loop writes what is written now before it begins."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("what follows an answer failed", exc_info=problem)
