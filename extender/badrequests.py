"""What is logged of requests that are no HTTP: anybody can send them, and their headers may hold tokens."""

import logging
import time
from collections.abc import Callable
from typing import Final

from aiohttp.http import HttpProcessingError

from neilats.log import get_logger

__all__ = ["BadRequests", "server_log"]

PERIOD_S: Final = 60.0
"""They are logged at most so often."""


class BadRequests(logging.Filter):
    """Lets one record a minute pass, with a count and without what was sent; other records stay as they are."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock, self._told, self._count = clock, float("-inf"), 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged; one of a bad request is made harmless."""
        if not record.exc_info or not isinstance(record.exc_info[1], HttpProcessingError):
            return True
        self._count += 1
        if self._clock() - self._told < PERIOD_S:
            return False
        record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        record.msg, record.args, record.exc_info = "requests refused that are no HTTP", (), None
        record.count, self._count, self._told = self._count, 0, self._clock()
        return True


server_log: Final = get_logger("extender.server")
"""The logger of aiohttp's servers."""

server_log.addFilter(BadRequests())
