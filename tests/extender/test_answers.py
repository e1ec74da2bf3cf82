"""Answers as kube-scheduler decodes them, whichever tables they were put together from."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.answers import encode_filter, encode_priorities, pass_all
from extender.candidates import Candidates, NodeIndex, Refused
from extender.wire import decode_args

POD = {"metadata": {"name": "podName"}}
MANY = [f"node-{i:0{1 + i % 3}}" for i in range(100)]


def asked(names, index=None):
    """A call in names mode, and its candidates."""
    index = index or NodeIndex()
    args = decode_args(json.dumps({"Pod": POD, "Nodes": None, "NodeNames": names}, separators=(",", ":")).encode())
    return args, Candidates(index, index.places(args.names))


def asked_whole(items):
    args = decode_args(
        b'{"Pod":{"metadata":{"name":"p"}},"Nodes":{"metadata":{},"items":['
        + b",".join(items)
        + b'],"x":1},"NodeNames":null}'
    )
    index = NodeIndex()
    return args, Candidates(index, index.places(args.names))


def read(pieces):
    return json.loads(b"".join(pieces))


def refusing(candidates, reasons):
    """Refusals by position, grouped by reason."""
    groups = {}
    for i, reason in reasons.items():
        groups.setdefault(reason, []).append(i)
    return Refused(candidates, [(reason, np.array(which)) for reason, which in groups.items()])


def test_names_mode_passes_names_and_says_nothing_of_nodes():
    args, candidates = asked(["node1", "node2"])
    assert read(encode_filter(args, candidates, refusing(candidates, {1: "too far"}))) == {
        "Nodes": None,
        "NodeNames": ["node1"],
        "FailedNodes": {},
        "FailedAndUnresolvableNodes": {"node2": "too far"},
        "Error": "",
    }


def test_what_passes_comes_back_byte_for_byte():
    odd = b'{ "metadata" : {"name":"n1", "x": 1.0e2},"unknown":[ 1,2 ] }'
    args, candidates = asked_whole([odd])
    answer = b"".join(encode_filter(args, candidates, {}))
    assert odd in answer
    assert json.loads(answer)["NodeNames"] is None
    args, _ = asked(["a", "\u00e9"])
    assert b'["a","\\u00e9"]' in b"".join(pass_all(args))


def test_whole_nodes_without_the_failed_ones():
    items = [b'{"metadata":{"name":"%s"},"x":[ 1 ]}' % name for name in (b"a", b"b", b"c")]
    args, candidates = asked_whole(items)
    answer = b"".join(encode_filter(args, candidates, refusing(candidates, {1: "x"})))
    assert json.loads(answer)["Nodes"] == {"metadata": {}, "items": [json.loads(items[0]), json.loads(items[2])]}
    assert items[0] + b"," + items[2] in answer


def test_scores_are_integers_in_a_bare_array():
    _, candidates = asked(["a", "b"])
    assert (
        b"".join(encode_priorities(candidates, np.array([10, 0])))
        == b'[{"Host":"a","Score":10},{"Host":"b","Score":0}]'
    )


def test_scores_of_many_nodes_are_integers_too():
    _, candidates = asked(MANY)
    found = json.loads(b"".join(encode_priorities(candidates, np.arange(100) % 11)), parse_float=pytest.fail)
    assert found == [{"Host": name, "Score": i % 11} for i, name in enumerate(MANY)]


def test_one_long_name_does_not_make_the_others_long():
    _, candidates = asked([*MANY, "x" * 5000])
    answer = b"".join(encode_priorities(candidates, np.zeros(101, np.int64)))
    assert len(answer) < 10_000
    assert json.loads(answer)[-1] == {"Host": "x" * 5000, "Score": 0}


TEXTS = st.text(max_size=12)


@given(st.lists(TEXTS, min_size=1, max_size=60), st.lists(TEXTS, max_size=60), st.data())
def test_any_names_and_reasons_are_read_as_they_were_sent(names, earlier, data):
    index = NodeIndex()
    index.places(earlier)
    args, candidates = asked(names, index)
    scores = data.draw(st.lists(st.integers(0, 10), min_size=len(names), max_size=len(names)))
    found = read(encode_priorities(candidates, np.array(scores)))
    assert [(e["Host"], e["Score"]) for e in found] == list(zip(names, scores, strict=True))
    which = data.draw(st.dictionaries(st.integers(0, len(names) - 1), st.sampled_from(['too "far"', "lost", ""])))
    answer = read(encode_filter(args, candidates, refusing(candidates, which)))
    assert answer["NodeNames"] == [name for i, name in enumerate(names) if i not in which]
    assert set(answer["FailedAndUnresolvableNodes"]) == {names[i] for i in which}
    if len(set(names)) == len(names):
        assert answer["FailedAndUnresolvableNodes"] == {names[i]: reason for i, reason in which.items()}
