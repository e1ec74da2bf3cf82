"""A call of kube-scheduler's as both ways to it have it: the lane and the HTTP framework."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from extender.answers import Body

__all__ = ["PREFIX", "Call", "Decided"]

PREFIX: Final = "/scheduler/"
"""Before the verb in each call's path."""

Decided = tuple[Body, str]
"""The pieces of an answer, and how the call is counted."""


@dataclass(frozen=True)
class Call:
    """What is answered at one path: at once, or by something to wait for; whatever it raises becomes an answer."""

    route: str
    decide: Callable[[bytes | memoryview], Decided | Awaitable[Decided]]
    count: Callable[[str, float], None]
    """Called behind each answer with the outcome and the seconds that it took."""
