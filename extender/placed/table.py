"""Pods on their nodes that were promised something: all that is kept of a whole cluster's pods.

A watch of every bound pod passes through here. A pod without a promise leaves nothing behind, so that memory follows
the number of promises and not that of pods.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from sys import intern
from types import MappingProxyType
from typing import Any, Final

from extender.intents import LEGACY_NODE, LEGACY_SLA, PREFIX, Intent, Pod
from extender.podreader import PodReader

__all__ = ["PATH", "SELECTOR", "Group", "Placed", "PlacedTable"]

PATH: Final = "/api/v1/pods"
SELECTOR: Final = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed"
"""The field selector of the watch: what has no node yet, or has ended, is no placed pod."""

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Placed:
    """A pod on its node, without its labels and annotations: what they say is in the intent."""

    pod: Pod
    scheduler: str
    intent: Intent


@dataclass(frozen=True, slots=True)
class Group:
    """Pods by uid that were promised the same and have the same peers: a Deployment's are one group."""

    intent: Intent
    pods: dict[str, Placed] = field(default_factory=dict)


class PlacedTable:
    """Placed pods with a promise, and those whose intent is wrong, so that somebody hears of it.

    `saw` is told of every pod that has an intent or the like, with or without a promise.
    """

    def __init__(self, saw: Callable[[Pod], None] = lambda pod: None) -> None:
        self._saw = saw
        self._groups: dict[Hashable, Group] = {}
        self._keys: dict[str, Hashable] = {}  # by uid
        self._reader = PodReader()

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, uid: str) -> bool:
        return uid in self._keys

    def groups(self) -> list[Group]:
        """The groups as they are now."""
        return list(self._groups.values())

    def __iter__(self) -> Iterator[Placed]:
        return (placed for group in self.groups() for placed in list(group.pods.values()))

    def begin(self) -> None:
        """A list begins: nothing to do."""

    def put(self, raw: Mapping[str, Any]) -> str:
        """A pod as it now is; the key of one that is not kept is empty, because a list gathers the keys."""
        if not _speaks(raw):
            self.drop(raw)
            return ""
        pod = Pod.from_json(raw)
        self._saw(pod)
        self._forget(pod.uid)
        intent = self._reader.intent(pod)
        if not pod.uid or not pod.occupies or intent is None or not (intent.mistakes or intent.max_rtt_ms is not None):
            return ""
        key = _key(pod, intent)
        group = self._groups.setdefault(key, Group(intent))
        few = replace(pod, labels=_NOTHING, annotations=_NOTHING)
        group.pods[pod.uid] = Placed(few, intern(str(raw["spec"].get("schedulerName") or "")), group.intent)
        self._keys[pod.uid] = key
        return pod.uid

    def drop(self, raw: Mapping[str, Any]) -> None:
        """A pod that is gone."""
        self._forget(str(_object(raw, "metadata").get("uid") or ""))

    def retain(self, keys: set[str]) -> bool:
        """Only these pods are left."""
        for uid in self._keys.keys() - keys:
            self._forget(uid)
        return True

    def _forget(self, uid: str) -> None:
        if (key := self._keys.pop(uid, None)) is not None:
            group = self._groups[key]
            del group.pods[uid]
            if not group.pods:
                del self._groups[key]


def _key(pod: Pod, intent: Intent) -> Hashable:
    """What the pods of a group share; whom a selector means depends on the pod's namespace and siblings."""
    return (intent, pod.namespace, pod.owner or pod.uid) if intent.peer_pods is not None else intent


def _speaks(raw: Mapping[str, Any]) -> bool:
    """Whether the pod may say anything to us: most pods do not, and are not read further.

    A label `sla` alone may mean anything to anybody, and pods of other schedulers are here too.
    """
    meta = _object(raw, "metadata")
    labels = _object(meta, "labels")
    return (LEGACY_NODE in labels and LEGACY_SLA in labels) or any(
        k.startswith(PREFIX) for k in _object(meta, "annotations")
    )


def _object(raw: Any, name: str) -> Mapping[str, Any]:
    value = raw.get(name) if isinstance(raw, Mapping) else None
    return value if isinstance(value, Mapping) else {}
