"""Keeps what is remembered of nodes up to date ahead of the calls, so that these need not compute what has moved on."""

import asyncio
from typing import Final

from extender.standings import Standings
from neilats.log import get_logger

__all__ = ["Ahead"]

log = get_logger("extender.ahead")

PERIOD_INTERVALS: Final = 0.05
"""Between two rounds, in intervals between two samples: what a round costs besides its samples is the same for few."""

SHORTEST_S: Final = 0.1
"""Between two rounds at least, where samples come every second."""

CPU_SHARE: Final = 0.15
"""Of the event loop's time that this may take; with many peers in use a round then takes longer."""

SLACK_INTERVALS: Final = 0.2
"""A call takes what is at most so old, in intervals between two samples; what is older it brings up itself."""


class Ahead:
    """Works on the standings while it runs; `interval_s` is the time between two samples of a path."""

    def __init__(self, standings: Standings, interval_s: float) -> None:
        self._standings, self._interval_s = standings, interval_s

    async def run(self) -> None:
        """Round after round, for ever."""
        self._standings.slack.seconds = SLACK_INTERVALS * self._interval_s
        try:
            while True:
                await asyncio.sleep(max(SHORTEST_S, PERIOD_INTERVALS * self._interval_s))
                try:
                    await self._standings.refresh(_rest)
                except Exception:
                    log.exception("keeping what is remembered up to date failed")
        finally:
            self._standings.slack.seconds = 0.0


async def _rest(seconds: float) -> None:
    await asyncio.sleep(seconds * (1.0 / CPU_SHARE - 1.0))
