"""Keeps the forecasts that pods asked for lately ahead of the next pod, within a share of one core."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from extender.gather import Gathered
from extender.skill import Skill
from extender.violations import Violations
from extender.worker import CHUNK_ROWS
from neilats.log import get_logger

__all__ = ["LATELY_S", "Refresher"]

log = get_logger("extender.refresher")

PIECE_ROWS: Final = CHUNK_ROWS // 2
"""Paths that are copied for a piece of work: two or three milliseconds of the event loop, for which a call may wait."""

LATELY_S: Final = 600.0
"""Pods of one deployment come within minutes; what was asked for longer ago is computed when it is asked again."""

Gather = Callable[[str, Sequence[str]], Gathered]


class Refresher:
    """Recomputes and settles once an interval; `gather` (peer, names) gives the paths as of now.

    Args:
        cpu_share: of one core, 0..1, that computing ahead may take: after d seconds of it, d (1 / share - 1) of rest.
    """

    def __init__(
        self,
        violations: Violations,
        skill: Skill,
        gather: Gather,
        interval_s: float,
        cpu_share: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._violations, self._skill, self._gather = violations, skill, gather
        self._interval_s, self._rest_ratio = interval_s, 1.0 / cpu_share - 1.0
        self._clock, self._sleep = clock, sleep

    async def run(self) -> None:
        """Once an interval, from beginning to beginning, for ever."""
        due = self._clock()
        while True:
            due = max(due + self._interval_s, self._clock())
            await self._sleep(due - self._clock())
            try:
                await self.refresh()
                for _ in self._skill.settling(self._clock()):
                    await asyncio.sleep(0)
            except Exception:
                log.exception("computing forecasts ahead failed")

    async def refresh(self) -> None:
        """Recompute what was asked for lately and has moved on since, the latest asked first."""
        tables = self._violations.tables
        for _ in tables.tidying(self._clock() - LATELY_S):
            await asyncio.sleep(0)
        for peer, sla_ms, table in reversed(tables.items()):
            names = table.asked_since(self._clock() - LATELY_S)
            pieces = [names[begin : begin + PIECE_ROWS] for begin in range(0, len(names), PIECE_ROWS)]
            for piece in pieces:
                await self._violations.refresh(self._gather(peer, piece), sla_ms, self._rest)
            now = self._clock()
            for piece in pieces if self._skill.due(peer, sla_ms, now) else ():
                self._violations.review(self._gather(peer, piece), sla_ms, now)
                await asyncio.sleep(0)

    async def _rest(self, seconds: float) -> None:
        await self._sleep(seconds * self._rest_ratio)
