"""Decides what people are told about which pod, and when."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Final

from extender.decisions import Decision
from extender.events import messages
from extender.events.event import Event, Reason
from extender.placed.table import Placed
from extender.pods import Pod

__all__ = ["Announcer"]

_NEEDED: Final = ("filter", "preempt")
"""Verbs without which `require` is no requirement."""


class Announcer:
    """Turns decisions and broken promises into events.

    `tell` takes an event and returns at once; `speaks` says whether it is this replica's turn to speak of placed pods.
    Of its own decisions each replica speaks itself. `verbs` are those that kube-scheduler is configured to call.
    """

    def __init__(self, tell: Callable[[Event], None], speaks: Callable[[], bool], verbs: Collection[str]) -> None:
        self._tell, self._speaks = tell, speaks
        self._missing = {verb for verb in _NEEDED if verb not in verbs}

    # -- decisions -------------------------------------------------------------------------------------------------

    def decided(self, decision: Decision) -> None:
        """A filter or prioritize call was answered."""
        pod, intent = decision.pod, decision.intent
        if intent.mistakes:
            self._say(pod, "InvalidLatencyIntent", messages.invalid(intent))
        elif intent.mode == "require" and not decision.shadow:
            missing = self._missing | ({"filter"} if decision.not_filtered else set())
            if missing:
                self._say(pod, "LatencyNotEnforced", messages.not_enforced(missing), once=True)

    def bound(self, decision: Decision) -> None:
        """A pod that was decided on got its node."""
        if decision.node:
            self._say(decision.pod, "LatencyPlacement", partial(messages.placement, decision), once=True)

    # -- placed pods -----------------------------------------------------------------------------------------------

    @property
    def speaks(self) -> bool:
        """Whether it is this replica's turn."""
        return self._speaks()

    def invalid(self, placed: Placed) -> None:
        """A placed pod's intent is wrong."""
        self._say(placed.pod, "InvalidLatencyIntent", messages.invalid(placed.intent), once=True)

    def broken(self, placed: Placed, reason: str, *, news: bool) -> None:
        """A placed pod's promise is broken; what is no news may have been told before a restart."""
        self._say(placed.pod, "LatencyPromiseBroken", reason, once=not news)

    def kept(self, placed: Placed, reason: str) -> None:
        """A placed pod's promise is kept again."""
        self._say(placed.pod, "LatencyPromiseKept", reason)

    def _say(self, pod: Pod, reason: Reason, message: str | Callable[[], str], *, once: bool = False) -> None:
        self._tell(Event(pod, reason, message, once))
