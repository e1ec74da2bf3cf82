"""Keeps what is remembered of nodes up to date ahead of the calls, so that these need not compute what has moved on."""

import asyncio
from typing import Final

from extender.standings import Standings
from neilats.log import get_logger

__all__ = ["SLACK_S", "Ahead"]

log = get_logger("extender.ahead")

PERIOD_S: Final = 0.25
"""Between two rounds."""

CPU_SHARE: Final = 0.15
"""Of the event loop's time that this may take; with many peers in use a round then takes longer."""

SLACK_S: Final = 1.0
"""A call takes what is at most so old, a tenth of the time between two samples; what is older it brings up itself."""


class Ahead:
    """Works on the standings while it runs."""

    def __init__(self, standings: Standings) -> None:
        self._standings = standings

    async def run(self) -> None:
        """Round after round, for ever."""
        self._standings.slack.seconds = SLACK_S
        try:
            while True:
                await asyncio.sleep(PERIOD_S)
                try:
                    await self._standings.refresh(_rest)
                except Exception:
                    log.exception("keeping what is remembered up to date failed")
        finally:
            self._standings.slack.seconds = 0.0


async def _rest(seconds: float) -> None:
    await asyncio.sleep(seconds * (1.0 / CPU_SHARE - 1.0))
