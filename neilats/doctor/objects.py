"""The few fields of Kubernetes' objects that the checks read; the rest of an object is skipped while it is decoded."""

from datetime import datetime
from typing import Final

import msgspec

from neilats.doctor.helm import RELEASE

__all__ = [
    "CRITICAL",
    "Condition",
    "ConfigMap",
    "Lease",
    "ListMeta",
    "Meta",
    "Node",
    "Object",
    "Page",
    "Taint",
    "Version",
    "seconds_of",
]

CRITICAL: Final = ("NoSchedule", "NoExecute")
"""The effects of a taint that keep a pod away."""


def seconds_of(text: str | None) -> float | None:
    """A time of the API in seconds since 1970; None where there is none that can be read."""
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except ValueError:
        return None


class Object(msgspec.Struct, rename="camel", frozen=True):
    """Decoded from JSON in camelCase."""


class Owner(Object, frozen=True):
    """Who made an object."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class Meta(Object, frozen=True):
    """An object's name and what is written on it."""

    name: str
    namespace: str = ""
    uid: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    owner_references: tuple[Owner, ...] = ()
    deletion_timestamp: str | None = None

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def release(self) -> str:
        """The Helm release that it belongs to; empty where Helm did not make it."""
        return self.annotations.get(RELEASE, "")

    @property
    def owner(self) -> Owner | None:
        """The controller that made it."""
        return next((o for o in self.owner_references if o.controller), None)


class Condition(Object, frozen=True):
    """One of the things that a status says."""

    type: str
    status: str
    reason: str | None = None
    message: str | None = None


class Taint(Object, frozen=True):
    """What keeps pods off a node."""

    key: str
    effect: str = ""
    value: str = ""

    def __str__(self) -> str:
        return f"{self.key}{'=' if self.value else ''}{self.value}:{self.effect}"


class NodeSpec(Object, frozen=True):
    """What keeps pods off a node."""

    taints: tuple[Taint, ...] = ()


class NodeStatus(Object, frozen=True):
    """How a node fares."""

    conditions: tuple[Condition, ...] = ()


class Node(Object, frozen=True):
    """A node."""

    metadata: Meta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    @property
    def ready(self) -> bool:
        """Whether its kubelet says that it is ready."""
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions)


class ConfigMap(Object, frozen=True):
    """A ConfigMap."""

    metadata: Meta
    data: dict[str, str] = msgspec.field(default_factory=dict)


class LeaseSpec(Object, frozen=True):
    """When a lease was last renewed, as RFC 3339."""

    renew_time: str | None = None


class Lease(Object, frozen=True):
    """A lease; a node's kubelet renews its own every 10 s."""

    metadata: Meta
    spec: LeaseSpec = LeaseSpec()


class Version(Object, frozen=True):
    """What the API server says it is."""

    git_version: str = ""


class ListMeta(Object, frozen=True):
    """Where the next page of a list begins."""

    next_page: str = msgspec.field(name="continue", default="")


class Page(Object, frozen=True):
    """A page of a list; its items are decoded one kind at a time."""

    metadata: ListMeta = ListMeta()
    items: list[msgspec.Raw] | None = None
