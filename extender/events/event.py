"""One event: a line about a pod, and the object that the API server stores for it."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import quote

from extender.pods import Pod

__all__ = ["Event", "Reason", "stamp"]

Reason = Literal[
    "InvalidLatencyIntent",
    "LatencyPlacement",
    "LatencyPromiseBroken",
    "LatencyPromiseKept",
    "LatencyNotEnforced",
]

_NORMAL: Final[tuple[Reason, ...]] = ("LatencyPlacement", "LatencyPromiseKept")
_GIVING_WAY: Final[tuple[Reason, ...]] = ("LatencyPlacement", "LatencyNotEnforced")
_MOST_BYTES: Final = 1024  # of a message, as the API says
_LONGEST_NAME: Final = 200  # of the pod in the event's name, which may have 253 characters
_SOURCE: Final = "neilats"


@dataclass(frozen=True, slots=True)
class Event:
    """What is told about a pod; with `once` an event of this reason that is there already is left as it is."""

    pod: Pod
    reason: Reason
    message: str | Callable[[], str]
    """What it says, or what composes that: of thousands of events at once most are not written."""
    once: bool = False

    def composed(self) -> "Event":
        """The same with its message as text, free of what it was made from."""
        return self if isinstance(self.message, str) else replace(self, message=self.message())

    @property
    def gives_way(self) -> bool:
        """Whether the others go first: thousands of pods at once say the like, and no promise is at stake."""
        return self.reason in _GIVING_WAY

    @property
    def name(self) -> str:
        """The object's name: the same for the same pod and reason, so that a repetition finds it."""
        digest = hashlib.sha256(f"{self.pod.uid}/{self.reason}".encode()).hexdigest()[:16]
        return f"{self.pod.name[:_LONGEST_NAME].rstrip('-.')}.{digest}"

    @property
    def path(self) -> str:
        """Where the pod's events are."""
        return f"/api/v1/namespaces/{quote(self.pod.namespace, safe='')}/events"

    @property
    def text(self) -> str:
        """The message, cut to what the API allows."""
        message = self.message if isinstance(self.message, str) else self.message()
        raw = message.encode()
        return message if len(raw) <= _MOST_BYTES else raw[: _MOST_BYTES - 3].decode(errors="ignore") + "..."

    def body(self, now: float, instance: str) -> Mapping[str, Any]:
        """The object to create; `now` is in seconds since 1970."""
        at = stamp(now)
        pod = {"namespace": self.pod.namespace, "name": self.pod.name, "uid": self.pod.uid}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": self.name, "namespace": self.pod.namespace},
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", **pod},
            "type": "Normal" if self.reason in _NORMAL else "Warning",
            "reason": self.reason,
            "message": self.text,
            "source": {"component": _SOURCE},
            "reportingComponent": _SOURCE,
            "reportingInstance": instance,
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        }

    def repetition(self, count: int, now: float) -> Mapping[str, Any]:
        """What changes in the stored object when it is told for the `count`th time."""
        return {"count": count, "lastTimestamp": stamp(now), "message": self.text}


def stamp(now: float) -> str:
    """Seconds since 1970 as the API writes times."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
