"""What kube-scheduler is answered (k8s.io/kube-scheduler/extender/v1), put together from bytes that are there already.

Answers are made for thousands of nodes at a time, so names come from the index's table of JSON strings, scores from a
table of eleven, and nodes from the request itself.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from extender.candidates import Candidates, Refused
from extender.nodelist import runs
from extender.wire import ExtenderArgs, Json
from scoring.rank import MAX_SCORE

__all__ = ["Body", "encode_filter", "encode_priorities", "pass_all"]

Body = Sequence[bytes | memoryview]
"""An answer in pieces, one after the other."""

FEW: Final = 32
"""Nodes below which tables do not pay."""

_encode = msgspec.json.Encoder().encode

_SCORES: Final = np.stack([np.frombuffer(b',"Score":%2d},' % score, np.uint8) for score in range(MAX_SCORE + 1)])
_COMMA: Final = ord(",")
_FAILED: Final = b',"FailedNodes":{},"FailedAndUnresolvableNodes":'
_END: Final = b',"Error":""}'


def pass_all(args: ExtenderArgs) -> Body:
    """An ExtenderFilterResult with all nodes, as they were sent."""
    kept = args.raw_names if args.raw_names is not None else args.raw_nodes
    return _result(args, (_view(kept or b"null"),), (b"{}",))


def encode_filter(args: ExtenderArgs, candidates: Candidates, failed: Mapping[str, str]) -> Body:
    """An ExtenderFilterResult without the failed nodes.

    They are unresolvable: evicting pods brings no peer nearer, so preemption must not be tried on them.
    """
    if not failed:
        return pass_all(args)
    refused = failed if isinstance(failed, Refused) else None
    kept = refused.kept if refused else np.array([name not in failed for name in candidates.names], dtype=bool)
    if args.raw_nodes is not None:
        left: Body = (b'{"metadata":{},"items":[', *runs(_view(args.raw_nodes), args.nodes or (), kept), b"]}")
    else:
        left = _names(candidates, kept.nonzero()[0])
    return _result(args, left, _reasons(candidates, refused) if refused else (_encode(failed),))


def _view(part: Json) -> bytes | memoryview:
    return part if isinstance(part, (bytes, memoryview)) else memoryview(part)


def _result(args: ExtenderArgs, kept: Body, failed: Body) -> Body:
    if args.raw_nodes is None:
        return (b'{"Nodes":null,"NodeNames":', *kept, _FAILED, *failed, _END)
    return (b'{"Nodes":', *kept, b',"NodeNames":null', _FAILED, *failed, _END)


def _names(candidates: Candidates, which: NDArray[np.intp]) -> Body:
    """A JSON list of the names of some candidates."""
    quoted = candidates.index.quoted(candidates.places[which]) if len(which) >= FEW else None
    if quoted is None:
        return (_encode(candidates.named(which)),)
    rows = np.empty((len(quoted), quoted.shape[1] + 1), np.uint8)
    rows[:, :-1], rows[:, -1] = quoted, _COMMA
    return b"[", _without_last(rows), b"]"


def _reasons(candidates: Candidates, refused: Refused) -> Body:
    """A JSON object of reasons by name."""
    parts: list[bytes | memoryview] = []
    for reason, which in refused.groups:
        quoted = candidates.index.quoted(candidates.places[which]) if len(which) >= FEW else None
        if quoted is not None:
            said = np.frombuffer(b":" + _encode(reason) + b",", np.uint8)
            rows = np.empty((len(quoted), quoted.shape[1] + len(said)), np.uint8)
            rows[:, : quoted.shape[1]], rows[:, quoted.shape[1] :] = quoted, said
            parts += (b",", _without_last(rows))
        elif len(which):
            parts += (b",", _encode(dict.fromkeys(candidates.named(which), reason))[1:-1])
    return (b"{", *parts[1:], b"}")


def encode_priorities(candidates: Candidates, scores: NDArray[np.int64]) -> Body:
    """A HostPriorityList: Go decodes Score as an integer, so 7.0 would fail the whole list."""
    rows = candidates.index.hosts(candidates.places) if len(candidates) >= FEW else None
    if rows is None:
        said = zip(candidates.names, scores.tolist(), strict=True)
        return (_encode([{"Host": name, "Score": score} for name, score in said]),)
    rows[:, -_SCORES.shape[1] :] = _SCORES.take(scores, axis=0)
    return b"[", _without_last(rows), b"]"


def _without_last(rows: NDArray[np.uint8]) -> memoryview:
    """The bytes of all rows without the comma behind the last one."""
    return rows.reshape(-1)[:-1].data
