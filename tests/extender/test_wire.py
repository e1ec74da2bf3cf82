"""kube-scheduler's JSON, as its Go types encode it (field names without tags, nil as null, nothing omitted)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.errors import BadRequest
from extender.wire import (
    decode_args,
    decode_preemption,
    encode_preemption,
)

POD = {"metadata": {"name": "podName"}, "spec": {"containers": None}, "status": {}}
NODE = {"metadata": {"name": "nodeName"}, "spec": {}, "status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}}}


def body(**fields):
    return json.dumps(fields).encode()


@pytest.mark.parametrize("case", [str.lower, str.upper, str], ids=["lower", "upper", "Go"])
def test_field_names_are_read_in_any_case(case):
    args = decode_args(json.dumps({case("Pod"): POD, case("NodeNames"): ["a"]}).encode())
    assert (args.pod, args.names) == (POD, ["a"])
    victims = {"n": {case("Pods"): [{case("UID"): "u"}], case("NumPDBViolations"): 2}}
    found = decode_preemption(json.dumps({case("Pod"): POD, case("NodeNameToMetaVictims"): victims}).encode())
    assert json.loads(encode_preemption(found.victims)) == {
        "NodeNameToMetaVictims": {"n": {"Pods": [{"UID": "u"}], "NumPDBViolations": 2}}
    }


def test_names_win_where_both_are_given():
    assert decode_args(body(Pod=POD, Nodes={"items": [NODE]}, NodeNames=["x"])).names == ["x"]


def test_an_empty_list_of_names_is_a_valid_call():
    assert decode_args(body(Pod=POD, NodeNames=[])).names == []


def test_victims_that_are_whole_pods_are_answered_by_uid():
    pod = {"metadata": {"uid": "u1", "name": "victim"}, "spec": {}}
    call = body(Pod=POD, NodeNameToVictims={"n": {"Pods": [pod], "NumPDBViolations": 1}}, NodeNameToMetaVictims=None)
    assert json.loads(encode_preemption(decode_preemption(call).victims)) == {
        "NodeNameToMetaVictims": {"n": {"Pods": [{"UID": "u1"}], "NumPDBViolations": 1}}
    }


def test_a_node_without_victims_keeps_an_empty_list():
    call = body(Pod=POD, NodeNameToMetaVictims={"n": {"Pods": None, "NumPDBViolations": 0}})
    assert json.loads(encode_preemption(decode_preemption(call).victims)) == {
        "NodeNameToMetaVictims": {"n": {"Pods": [], "NumPDBViolations": 0}}
    }


def go(pod, nodes, names):
    """A call's body as Go encodes it, from parts that are JSON already."""
    return b'{"Pod":' + pod + b',"Nodes":' + nodes + b',"NodeNames":' + names + b"}"


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def test_the_parts_of_a_call_in_gos_order_are_those_of_any_other():
    raw = compact(POD)
    args = decode_args(go(raw, b"null", b'["a","b"]'))
    assert (bytes(args.raw_pod), bytes(args.raw_names), args.names) == (raw, b'["a","b"]', ["a", "b"])
    args = decode_args(memoryview(go(raw, compact({"metadata": {}, "items": [NODE]}), b"null")))
    assert (args.names, [bytes(n) for n in args.nodes]) == (["nodeName"], [compact(NODE)])


TRAPS = [
    {"metadata": {"name": "p", "annotations": {"x": ',"Nodes":null,"NodeNames":["evil"]}'}}},
    {"metadata": {"name": "p"}, "spec": {"a": 1, "Nodes": None, "NodeNames": ["evil"]}},
    {"metadata": {"name": "p"}, "spec": {"a": 1, "Nodes": {"items": []}, "NodeNames": None}},
]


@pytest.mark.parametrize("pod", TRAPS, ids=["in a string", "deeper names", "deeper nodes"])
def test_what_looks_like_the_end_of_the_pod_within_it_is_not_taken_for_it(pod):
    args = decode_args(go(compact(pod), b"null", b'["a"]'))
    assert (args.pod, args.names) == (pod, ["a"])
    args = decode_args(go(compact(pod), compact({"items": [NODE]}), b"null"))
    assert (args.pod, args.names) == (pod, ["nodeName"])


@pytest.mark.parametrize("names", [b'["a",1]', b'["a"', b'["a"]]', b'["a",]'])
def test_names_that_cannot_be_read_are_refused_however_the_call_was_taken_apart(names):
    with pytest.raises(BadRequest):
        decode_args(go(compact(POD), b"null", names)).check()


def test_a_node_without_a_name_is_refused_with_its_number():
    nodes = compact({"items": [NODE, {"metadata": {}}]})
    with pytest.raises(BadRequest, match=r"Nodes.items\[1\]"):
        decode_args(go(compact(POD), nodes, b"null")).check()


JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
FIELDS = st.sampled_from(["Pod", "Nodes", "NodeNames", "pod", "NodeNameToVictims", "NodeNameToMetaVictims", "items"])


@given(st.one_of(st.binary(max_size=60), st.dictionaries(FIELDS, JSON_VALUES).map(lambda d: json.dumps(d).encode())))
def test_whatever_comes_is_read_or_refused_but_never_breaks(raw):
    for decode in (lambda raw: decode_args(raw).check(), decode_preemption):
        try:
            decode(raw)
        except BadRequest as e:
            assert str(e)


NAMES = st.lists(st.text(max_size=5), max_size=4)
PODS = st.dictionaries(st.text(max_size=8) | FIELDS, JSON_VALUES, max_size=4)


@given(PODS, st.one_of(NAMES, JSON_VALUES), st.one_of(st.none(), JSON_VALUES))
def test_a_call_in_gos_order_says_the_same_as_with_spaces_between(pod, names, nodes):
    calls = [
        go(compact(pod), compact(nodes), compact(names)),
        json.dumps({"Pod": pod, "Nodes": nodes, "NodeNames": names}),
    ]
    read = []
    for call in calls:
        try:
            args = decode_args(call if isinstance(call, bytes) else call.encode())
            args.check()
            read.append((args.pod, args.names))
        except BadRequest:
            read.append("refused")
    assert read[0] == read[1]
