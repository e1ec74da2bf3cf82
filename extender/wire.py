"""kube-scheduler's extender calls and answers (k8s.io/kube-scheduler/extender/v1).

The Go types have no JSON tags, so the fields have Go's names; lower-case ones are read as well, because Go itself
reads them. Only the fields that are used are decoded; nodes come back as the bytes in which they were sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from extender.errors import BadRequest

__all__ = [
    "ExtenderArgs",
    "PreemptionArgs",
    "decode_args",
    "decode_preemption",
    "encode_filter",
    "encode_preemption",
    "encode_priorities",
]

_NULL: Final = b"null"


class _Meta(Struct):
    name: str


class _Node(Struct):
    metadata: _Meta


class _NodeList(Struct):
    items: list[Raw] | None = None


class MetaPod(Struct, rename={"uid": "UID"}):
    """A victim, by its UID."""

    uid: str


class MetaVictims(Struct, rename={"pods": "Pods", "violations": "NumPDBViolations"}):
    """The victims on one node."""

    pods: list[MetaPod]
    violations: int = 0


class ExtenderArgs(Struct):
    """A filter or prioritize call; `nodes` holds each node's own bytes when the scheduler sent whole nodes."""

    pod: dict[str, Any]
    names: list[str]
    nodes: list[Raw] | None = None


class PreemptionArgs(Struct):
    """A preempt call: the pod, and the victims by node."""

    pod: dict[str, Any]
    victims: dict[str, MetaVictims]


_fields = msgspec.json.Decoder(dict[str, Raw])
_pod = msgspec.json.Decoder(dict[str, Any])
_names = msgspec.json.Decoder(list[str])
_list = msgspec.json.Decoder(_NodeList)
_node = msgspec.json.Decoder(_Node)
_by_node = msgspec.json.Decoder(dict[str, dict[str, Raw]])
_encode = msgspec.json.Encoder().encode


def _decode(decoder: msgspec.json.Decoder[Any], raw: bytes | Raw, where: str) -> Any:
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


def _open_pod(fields: Mapping[str, Raw]) -> dict[str, Any]:
    if "pod" not in fields:
        raise BadRequest("Pod is missing or null; expected the pod that is being scheduled")
    pod: dict[str, Any] = _decode(_pod, fields["pod"], "Pod")
    return pod


def decode_args(body: bytes) -> ExtenderArgs:
    """Read a filter or prioritize call, in either `nodeCacheCapable` mode; raises BadRequest."""
    fields = _open(body)
    pod = _open_pod(fields)
    if "nodenames" in fields:
        return ExtenderArgs(pod, _decode(_names, fields["nodenames"], "NodeNames"))
    if "nodes" not in fields:
        raise BadRequest("both NodeNames and Nodes are missing or null; expected one of them")
    nodes = _decode(_list, fields["nodes"], "Nodes").items or []
    names = [_decode(_node, n, f"Nodes.items[{i}]").metadata.name for i, n in enumerate(nodes)]
    return ExtenderArgs(pod, names, nodes)


def decode_preemption(body: bytes) -> PreemptionArgs:
    """Read a preempt call; victims that came as whole pods are reduced to their UIDs. Raises BadRequest."""
    fields = _open(body)
    pod = _open_pod(fields)
    field = next((f for f in ("nodenametometavictims", "nodenametovictims") if f in fields), None)
    if field is None:
        raise BadRequest("both NodeNameToMetaVictims and NodeNameToVictims are missing or null; expected one of them")
    nodes: dict[str, dict[str, Raw]] = _decode(_by_node, fields[field], field)
    return PreemptionArgs(pod, {n: _victims(v, f"{field}.{n}", meta="meta" in field) for n, v in nodes.items()})


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


def encode_filter(args: ExtenderArgs, failed: Mapping[str, str]) -> bytes:
    """An ExtenderFilterResult without the failed nodes.

    They are unresolvable: evicting pods brings no peer nearer, so preemption must not be tried on them.
    """
    keep = [i for i, name in enumerate(args.names) if name not in failed]
    whole = args.nodes
    return _encode(
        {
            "Nodes": None if whole is None else {"metadata": {}, "items": [whole[i] for i in keep]},
            "NodeNames": None if whole is not None else [args.names[i] for i in keep],
            "FailedNodes": {},
            "FailedAndUnresolvableNodes": failed,
            "Error": "",
        }
    )


def encode_priorities(names: Sequence[str], scores: Sequence[int]) -> bytes:
    """A HostPriorityList: Go decodes Score as an integer, so 7.0 would fail the whole list."""
    return _encode([{"Host": n, "Score": s} for n, s in zip(names, scores, strict=True)])


def encode_preemption(victims: Mapping[str, MetaVictims]) -> bytes:
    """An ExtenderPreemptionResult."""
    return _encode({"NodeNameToMetaVictims": victims})
