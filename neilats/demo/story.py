"""The story: pods are placed near the gateway, the link of the chosen node worsens, and the choice moves."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from neilats.commands.errors import ClientError
from neilats.demo.kubescheduler import Placement
from neilats.demo.plan import ADDRESSES, INTERVAL_S, PEER, Plan
from neilats.demo.screen import Screen, View
from neilats.demo.stage import Stage

__all__ = ["Outcome", "Story", "StoryError"]

LOOK_S: Final = 0.5
"""Seconds between two looks at the extender."""


class StoryError(RuntimeError):
    """The story did not come to its end in time."""


@dataclass
class Outcome:
    """What happened, for the last words and for `--json`."""

    placements: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    first: str = ""
    worsened_s: float | None = None
    moved_to: str = ""
    moved_s: float | None = None
    explained: Mapping[str, Any] | None = None


class Story:
    """Plays on a stage and tells it to a screen."""

    def __init__(self, plan: Plan, stage: Stage, screen: Screen, clock: Callable[[], float] = time.monotonic) -> None:
        self._plan, self._stage, self._screen = plan, stage, screen
        self._clock, self._began = clock, clock()
        self._view = View(plan.sla_ms)
        self.outcome = Outcome()

    async def play(self) -> Outcome:
        """From the first ping to the moved choice; raises StoryError or ChildError."""
        self._tell(f"{len(ADDRESSES)} probers and an extender start, on loopback addresses")
        await self._until(self._stage.ready, "the probers to report")
        self._stage.play()
        self._tell(f"all report to {self._stage.url}; the recorded trace plays")
        await self._until(self._measured, "measurements of all paths")
        await self._settle()
        if self._plan.once:
            return self.outcome
        await self._worsen()
        while self._plan.forever:
            await self._step()
        return self.outcome

    async def _settle(self) -> None:
        """The first decisions."""
        placement = await self._place(milestone=True)
        self.outcome.first = placement.node
        while not self._plan.once and len(self.outcome.placements) < self._plan.calm_decisions:
            placement = await self._step()
        self.outcome.first = placement.node

    async def _worsen(self) -> None:
        """Slow the chosen link down, and wait until a pod is placed elsewhere."""
        node, extra = self.outcome.first, self._plan.extra_ms
        self._stage.slow_down(node, extra)
        began = self.outcome.worsened_s = self._now()
        self._tell(f"[bold red]the link between {node} and {PEER} worsens: +{extra:g} ms from now on[/]")
        placement = await self._step()
        while placement.node == node:
            placement = await self._step()
        self.outcome.moved_to, self.outcome.moved_s = placement.node, self._now()
        await self._look(milestone=True)
        took = self._now() - began
        self._tell(
            f"[bold green]the choice moved from {node} to {placement.node}[/], "
            f"{took:.1f} s (= {took / INTERVAL_S:.0f} probes) later"
        )

    async def _step(self) -> Placement:
        """Look at the numbers until it is time for the next pod, and place it."""
        until = self._clock() + self._plan.decide_every_s
        while (left := until - self._clock()) > 0:
            await asyncio.sleep(min(LOOK_S, left))
            await self._look()
        return await self._place()

    async def _place(self, *, milestone: bool = False) -> Placement:
        try:
            placement = await self._stage.scheduler.place(self._plan.candidates)
            self.outcome.explained = {**await self._stage.decision(placement.pod), "node": placement.node}
        except (aiohttp.ClientError, ClientError, TimeoutError) as e:
            self._stage.check()
            raise StoryError(f"the extender did not answer: {e}") from e
        before, self._view.chosen = self._view.chosen, placement.node
        scores = ", ".join(f"{n} {s}" for n, s in sorted(placement.scores.items()))
        self.outcome.placements.append(
            {"at_s": round(self._now(), 1), "pod": placement.pod, "node": placement.node, "scores": placement.scores}
        )
        if milestone:
            await self._look(milestone=True)
        moved = bool(before) and before != placement.node
        name = f"[bold green]{placement.node}[/]" if moved else f"[bold]{placement.node}[/]"
        self._tell(f"{placement.pod} → {name}   (scores: {scores})")
        return placement

    async def _measured(self) -> bool:
        """Whether every candidate is scored from real measurements of its own."""
        await self._look()
        rows = self._view.scores.values()
        return bool(rows) and all(r["status"] == "known" and r["direction"] == "forward" for r in rows)

    async def _look(self, *, milestone: bool = False) -> None:
        """Fetch the numbers and show them."""
        self._check()
        try:
            self._view.paths = await self._stage.matrix()
            self._view.scores = (await self._stage.scores(self._plan.candidates))["nodes"]
        except ClientError:
            self._stage.check()  # a process that is gone is the better message
            raise
        self._screen.show(self._view, milestone=milestone)

    async def _until(self, condition: Callable[[], Any], what: str) -> None:
        while not await condition():
            self._check(f"still waiting for {what}")
            await asyncio.sleep(LOOK_S / 2)

    def _check(self, state: str = "") -> None:
        self._stage.check()
        if self._now() > self._plan.limit_s and not (self._plan.forever and self.outcome.moved_to):
            state = state or f"the choice did not move away from {self.outcome.first or 'the first node'}"
            raise StoryError(f"{state} after {self._plan.limit_s:g} s")

    def _now(self) -> float:
        return self._clock() - self._began

    def _tell(self, text: str) -> None:
        from rich.text import Text

        self.outcome.events.append({"at_s": round(self._now(), 1), "text": Text.from_markup(text).plain})
        self._screen.event(self._now(), text)
