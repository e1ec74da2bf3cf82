"""A pod reduced to the few fields that matter here, because a watch may hold ten thousands of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any, Final, Self

from extender.quoting import quoted

__all__ = ["Pod", "PodError"]

_DONE: Final = frozenset({"Succeeded", "Failed"})


class PodError(ValueError):
    """A pod's JSON lacks its name or has a field of the wrong type; the message names the field."""


@dataclass(frozen=True, slots=True)
class Pod:
    """The few fields of a pod that matter here, from a webhook's call or from a watch.

    `owner` is the uid of its controller: pods with the same one are siblings.
    """

    namespace: str
    name: str
    uid: str = ""
    node: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    phase: str = ""
    deleted: bool = False

    @property
    def occupies(self) -> str:
        """The node on which it runs or is about to run; empty when unbound, finished or on its way out."""
        return "" if self.deleted or self.phase in _DONE else self.node

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], *, annotations: bool = True) -> Self:
        """A pod from its JSON, without its annotations where nobody will read them; raises PodError."""
        meta, spec, status = (_table(raw, name, "pod") for name in ("metadata", "spec", "status"))
        if not (name := _text(meta, "name", "metadata")):
            raise PodError("metadata.name is missing")
        return cls(
            namespace=intern(_text(meta, "namespace", "metadata") or "default"),
            name=name,
            uid=_text(meta, "uid", "metadata"),
            node=intern(_text(spec, "nodeName", "spec")),
            labels=_strings(meta, "labels"),
            annotations=_strings(meta, "annotations") if annotations else {},
            owner=intern(_controller(meta)),
            phase=intern(_text(status, "phase", "status")),
            deleted=bool(meta.get("deletionTimestamp")),
        )


def _table(raw: Any, name: str, where: str) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise PodError(f"{where} must be an object, not {type(raw).__name__}")
    value = raw.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise PodError(f"{name} must be an object, not {type(value).__name__}")
    return value


def _text(table: Mapping[str, Any], name: str, where: str) -> str:
    value = table.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise PodError(f"{where}.{name} must be a string, not {type(value).__name__}")
    return value


def _strings(meta: Mapping[str, Any], name: str) -> dict[str, str]:
    found = _table(meta, name, "metadata")
    for key, value in found.items():
        if not isinstance(value, str):
            raise PodError(f"metadata.{name}[{quoted(str(key))}] must be a string, not {type(value).__name__}")
    return {intern(str(k)): intern(str(v)) for k, v in found.items()}


def _controller(meta: Mapping[str, Any]) -> str:
    owners = meta.get("ownerReferences") or []
    if not isinstance(owners, list) or not all(isinstance(o, Mapping) for o in owners):
        raise PodError("metadata.ownerReferences must be a list of objects")
    return next((_text(o, "uid", "metadata.ownerReferences[]") for o in owners if o.get("controller") is True), "")
