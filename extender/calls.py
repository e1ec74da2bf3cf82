"""What is answered at a path, as both ways to it have it: the lane and the HTTP framework."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from extender.answers import Body
from extender.incoming import Incoming
from extender.precedence import Precedence

__all__ = ["PREFIX", "REPORT", "C", "Call", "Decided", "Door"]

PREFIX: Final = "/scheduler/"
"""Before the verb in the path of each of kube-scheduler's calls."""

REPORT: Final = "/v1/report"
"""Where probers report."""

Decided = tuple[Body, str]
"""The pieces of an answer, and how the call is counted."""


@dataclass(frozen=True)
class Call:
    """A call of kube-scheduler's, answered at once or by something to wait for; what it raises becomes an answer."""

    route: str
    decide: Callable[[bytes | memoryview], Decided | Awaitable[Decided]]
    count: Callable[[str, float], None]
    """Called behind each answer with the outcome and the seconds that it took."""
    first: Precedence = field(default_factory=Precedence)
    """What a call enters when it has come, and leaves when it has ended."""


@dataclass(frozen=True)
class Door:
    """Where reports come in: `take` gets one whose body may still be on its way, and gives its reply as JSON.

    `fields` are the headers of a good reply beside the usual ones. What `take` raises becomes an answer.
    """

    route: str
    take: Callable[[Incoming], Awaitable[bytes]]
    fields: bytes


C = TypeVar("C", Call, Door)
