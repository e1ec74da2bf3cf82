"""Pods of kube-scheduler's calls and what they ask for: read once for the calls of one attempt.

The bytes of a pod are the same in its filter and its prioritize call, and the pods of one Deployment differ in little
but their names: their intents are the same. Both are remembered, a few of each.
"""

from collections import OrderedDict
from sys import intern
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from extender.intents import LEGACY_NODE, LEGACY_SLA, PREFIX, Intent, parse_intent
from extender.pods import Pod, PodError
from scoring.profiles import PROFILES

__all__ = ["PodReader"]

PODS: Final = 256
LONGEST_POD: Final = 64 * 1024
"""Bytes; larger ones are read anew each time."""

INTENTS: Final = 1024

K = TypeVar("K")
V = TypeVar("V")


class _Owner(Struct):
    uid: str | None = None
    controller: bool | None = None


class _Meta(Struct):
    name: str
    namespace: str | None = None
    uid: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    ownerReferences: list[_Owner] | None = None  # noqa: N815 (the API's name)
    deletionTimestamp: Any = None  # noqa: N815


class _Spec(Struct):
    nodeName: str | None = None  # noqa: N815


class _Status(Struct):
    phase: str | None = None


class _Pod(Struct):
    metadata: _Meta
    spec: _Spec | None = None
    status: _Status | None = None


_typed: Final = msgspec.json.Decoder(_Pod)
_any: Final = msgspec.json.Decoder(dict[str, Any])


class _Recent(Generic[K, V]):
    """The values that were used last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        self._values[key] = value
        if len(self._values) > self._most:
            self._values.popitem(last=False)


class PodReader:
    """Reads pods; equal bytes give the same objects."""

    def __init__(self, pods: int = PODS, intents: int = INTENTS) -> None:
        self._pods: _Recent[bytes, tuple[Pod, Intent | None]] = _Recent(pods)
        self._intents: _Recent[object, Intent] = _Recent(intents)

    def read(self, raw: bytes) -> tuple[Pod, Intent | None]:
        """The pod and its intent; raises msgspec.DecodeError (or what it raises) or PodError."""
        found = self._pods.get(raw)
        if found is None:
            pod = _read(raw)
            found = pod, self.intent(pod)
            if len(raw) <= LONGEST_POD:
                self._pods.put(raw, found)
        return found

    def reads(self, raw: bytes) -> bool:
        """Whether `read` can read this."""
        try:
            self.read(raw)
        except (PodError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return True

    def intent(self, pod: Pod) -> Intent | None:
        """What a pod asks for; the same object for pods that say the same."""
        said = frozenset(item for item in pod.annotations.items() if item[0].startswith(PREFIX))
        old = pod.labels.get(LEGACY_NODE), pod.labels.get(LEGACY_SLA)
        if not said and old == (None, None):
            return None
        key = pod.namespace, said, old
        intent = self._intents.get(key)
        if intent is None and (intent := parse_intent(pod, PROFILES)) is not None:
            self._intents.put(key, intent)
        return intent


def _read(raw: bytes) -> Pod:
    """The few fields that matter, without the rest of the pod; what is wrong with one is said by the longer way."""
    try:
        pod = _typed.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Pod.from_json(_any.decode(raw))
    meta, spec, status = pod.metadata, pod.spec or _Spec(), pod.status or _Status()
    if not meta.name:
        return Pod.from_json(_any.decode(raw))
    return Pod(
        namespace=intern(meta.namespace or "default"),
        name=meta.name,
        uid=meta.uid or "",
        node=intern(spec.nodeName or ""),
        labels=meta.labels or {},
        annotations=meta.annotations or {},
        owner=intern(next((o.uid or "" for o in meta.ownerReferences or () if o.controller), "")),
        phase=intern(status.phase or ""),
        deleted=bool(meta.deletionTimestamp),
    )
