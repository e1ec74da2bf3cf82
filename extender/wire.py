"""kube-scheduler's extender calls and answers (k8s.io/kube-scheduler/extender/v1).

The Go types have no JSON tags, so the fields have Go's names; lower-case ones are read as well, because Go itself
reads them. Only the fields that are used are decoded; nodes come back as the bytes in which they were sent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from extender.errors import BadRequest
from extender.nodelist import names_as_go_writes

__all__ = [
    "ExtenderArgs",
    "PreemptionArgs",
    "decode_args",
    "decode_preemption",
    "encode_preemption",
]

_NULL: Final = b"null"


class _Meta(Struct):
    name: str


class _Node(Struct):
    metadata: _Meta


class _NodeList(Struct):
    items: list[Raw] | None = None


class _Anything(Struct):
    pass


class MetaPod(Struct, rename={"uid": "UID"}):
    """A victim, by its UID."""

    uid: str


class MetaVictims(Struct, rename={"pods": "Pods", "violations": "NumPDBViolations"}):
    """The victims on one node."""

    pods: list[MetaPod]
    violations: int = 0


Json = bytes | memoryview | Raw
"""A part of a call, as it was sent."""


@dataclass(frozen=True)
class ExtenderArgs:
    """A filter or prioritize call in parts: the pod, and either the names of the nodes or the nodes."""

    raw_pod: Json
    raw_names: Json | None = None
    raw_nodes: Json | None = None

    @cached_property
    def pod(self) -> dict[str, Any]:
        """The whole pod; raises BadRequest."""
        pod: dict[str, Any] = _decode(_pod, self.raw_pod, "Pod")
        return pod

    @cached_property
    def names(self) -> list[str]:
        """The names of the nodes; raises BadRequest."""
        if self.raw_names is not None:
            return list(_decode(_names, self.raw_names, "NodeNames"))
        nodes = self.nodes or ()
        if (names := names_as_go_writes(nodes)) is not None:
            return names
        return [_decode(_node, n, f"Nodes.items[{i}]").metadata.name for i, n in enumerate(nodes)]

    def check(self) -> None:
        """Raise BadRequest where the nodes cannot be read."""
        _ = self.names

    @cached_property
    def nodes(self) -> list[Raw] | None:
        """Each node's own bytes where the scheduler sent whole nodes; raises BadRequest."""
        return None if self.raw_nodes is None else _decode(_list, self.raw_nodes, "Nodes").items or []


class PreemptionArgs(Struct):
    """A preempt call: the pod as it was sent, and the victims by node."""

    raw_pod: Raw
    victims: dict[str, MetaVictims]


_fields = msgspec.json.Decoder(dict[str, Raw])
_pod = msgspec.json.Decoder(dict[str, Any])
_whole = msgspec.json.Decoder(_Anything)
_names = msgspec.json.Decoder(list[str])
_list = msgspec.json.Decoder(_NodeList)
_node = msgspec.json.Decoder(_Node)
_by_node = msgspec.json.Decoder(dict[str, dict[str, Raw]])
_encode = msgspec.json.Encoder().encode


def _decode(decoder: msgspec.json.Decoder[Any], raw: Json, where: str) -> Any:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise BadRequest(f"{where}: {e}") from e


def _open(body: bytes) -> dict[str, Raw]:
    """The call's fields by lower-case name, nulls left out."""
    if not body.strip():
        raise BadRequest("the body is empty; expected a JSON object with Pod and NodeNames or Nodes")
    fields = _decode(_fields, body, "the body")
    return {k.lower(): v for k, v in fields.items() if bytes(v).strip() != _NULL}


_NO_POD: Final = "Pod is missing or null; expected the pod that is being scheduled"


def _is_object(raw: bytes) -> bool:
    try:
        _whole.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def decode_args(body: bytes | memoryview, is_object: Callable[[bytes], bool] = _is_object) -> ExtenderArgs:
    """Take a filter or prioritize call apart, in either `nodeCacheCapable` mode; raises BadRequest.

    `is_object` says whether a pod's bytes are a whole JSON object; it may say no to one that is.
    """
    if (args := _as_go_writes(body, is_object)) is not None:
        return args
    fields = _open(bytes(body))
    if "pod" not in fields:
        raise BadRequest(_NO_POD)
    if "nodenames" in fields:
        return ExtenderArgs(fields["pod"], raw_names=fields["nodenames"])
    if "nodes" not in fields:
        raise BadRequest("both NodeNames and Nodes are missing or null; expected one of them")
    return ExtenderArgs(fields["pod"], raw_nodes=fields["nodes"])


_BEGIN: Final = b'{"Pod":{'
_NAMES: Final = b',"Nodes":null,"NodeNames":['
_NODES: Final = b',"Nodes":{'
_NO_NAMES: Final = b',"NodeNames":null}'
_HEAD: Final = 64 * 1024
"""Bytes of a call in which its pod is looked for."""


def _as_go_writes(body: bytes | memoryview, is_object: Callable[[bytes], bool]) -> ExtenderArgs | None:
    """The parts of a call whose fields are in the order and without the spaces of Go's encoder, found without decoding.

    Whether a part is JSON shows when it is decoded. If all parts are, then this is the only way to read the call: what
    separates them cannot lie within a JSON string, in which quotes are escaped, and if it lay deeper in the pod, the
    pod would not be whole.
    """
    head = body if isinstance(body, bytes) else bytes(body[:_HEAD])
    if not head.startswith(_BEGIN):
        return None
    view, begin = memoryview(body), len(_BEGIN) - 1
    if (end := head.find(_NAMES, begin, _HEAD)) >= 0 and bytes(view[-2:]) == b"]}":
        pod, rest = head[begin:end], view[end + len(_NAMES) - 1 : -1]
        return ExtenderArgs(pod, raw_names=rest) if is_object(pod) else None
    if (end := head.find(_NODES, begin, _HEAD)) >= 0 and bytes(view[-len(_NO_NAMES) :]) == _NO_NAMES:
        pod, rest = head[begin:end], view[end + len(_NODES) - 1 : -len(_NO_NAMES)]
        return ExtenderArgs(pod, raw_nodes=rest) if is_object(pod) else None
    return None


def decode_preemption(body: bytes) -> PreemptionArgs:
    """Read a preempt call; victims that came as whole pods are reduced to their UIDs. Raises BadRequest."""
    fields = _open(body)
    if "pod" not in fields:
        raise BadRequest(_NO_POD)
    field = next((f for f in ("nodenametometavictims", "nodenametovictims") if f in fields), None)
    if field is None:
        raise BadRequest("both NodeNameToMetaVictims and NodeNameToVictims are missing or null; expected one of them")
    nodes: dict[str, dict[str, Raw]] = _decode(_by_node, fields[field], field)
    return PreemptionArgs(
        fields["pod"], {n: _victims(v, f"{field}.{n}", meta="meta" in field) for n, v in nodes.items()}
    )


class _FullPodMeta(Struct):
    uid: str


class _FullPod(Struct):
    metadata: _FullPodMeta


_meta_pods = msgspec.json.Decoder(list[dict[str, str]] | None)
_full_pods = msgspec.json.Decoder(list[_FullPod] | None)
_int = msgspec.json.Decoder(int | None)


def _victims(raw: Mapping[str, Raw], where: str, *, meta: bool) -> MetaVictims:
    fields = {k.lower(): v for k, v in raw.items()}
    null = Raw(_NULL)
    violations = _decode(_int, fields.get("numpdbviolations", null), f"{where}.NumPDBViolations") or 0
    pods = fields.get("pods", null)
    if meta:
        return MetaVictims(_meta(_decode(_meta_pods, pods, f"{where}.Pods") or [], where), violations)
    full: list[_FullPod] = _decode(_full_pods, pods, f"{where}.Pods") or []
    return MetaVictims([MetaPod(p.metadata.uid) for p in full], violations)


def _meta(pods: Sequence[Mapping[str, str]], where: str) -> list[MetaPod]:
    uids = [{k.lower(): v for k, v in p.items()}.get("uid") for p in pods]
    if None in uids:
        raise BadRequest(f"{where}.Pods[{uids.index(None)}]: UID is missing")
    return [MetaPod(u) for u in uids if u is not None]


def encode_preemption(victims: Mapping[str, MetaVictims]) -> bytes:
    """An ExtenderPreemptionResult."""
    return _encode({"NodeNameToMetaVictims": victims})
