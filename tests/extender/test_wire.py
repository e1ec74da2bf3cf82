"""kube-scheduler's JSON, as its Go types encode it (field names without tags, nil as null, nothing omitted)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.errors import BadRequest
from extender.wire import (
    decode_args,
    decode_preemption,
    encode_filter,
    encode_preemption,
    encode_priorities,
)

POD = {"metadata": {"name": "podName"}, "spec": {"containers": None}, "status": {}}
NODE = {"metadata": {"name": "nodeName"}, "spec": {}, "status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}}}


def body(**fields):
    return json.dumps(fields).encode()


def test_names_mode_passes_names_and_says_nothing_of_nodes():
    args = decode_args(body(Pod=POD, Nodes=None, NodeNames=["node1", "node2"]))
    assert args.names == ["node1", "node2"]
    assert json.loads(encode_filter(args, {"node2": "too far"})) == {
        "Nodes": None,
        "NodeNames": ["node1"],
        "FailedNodes": {},
        "FailedAndUnresolvableNodes": {"node2": "too far"},
        "Error": "",
    }


def test_whole_nodes_come_back_byte_for_byte():
    odd = b'{ "metadata" : {"name":"n1", "x": 1.0e2},"unknown":[ 1,2 ] }'
    raw = b'{"Pod":' + json.dumps(POD).encode() + b',"Nodes":{"metadata":{},"items":[' + odd + b']},"NodeNames":null}'
    args = decode_args(raw)
    assert args.names == ["n1"]
    answer = encode_filter(args, {})
    assert odd in answer
    assert json.loads(answer)["NodeNames"] is None


def test_whole_nodes_without_the_failed_ones():
    other = {**NODE, "metadata": {"name": "other"}}
    args = decode_args(body(Pod=POD, Nodes={"metadata": {}, "items": [NODE, other]}, NodeNames=None))
    answer = json.loads(encode_filter(args, {"nodeName": "x"}))
    assert answer["Nodes"] == {"metadata": {}, "items": [other]}


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


def test_scores_are_integers_in_a_bare_array():
    assert encode_priorities(["a", "b"], [10, 0]) == b'[{"Host":"a","Score":10},{"Host":"b","Score":0}]'


JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
FIELDS = st.sampled_from(["Pod", "Nodes", "NodeNames", "pod", "NodeNameToVictims", "NodeNameToMetaVictims", "items"])


@given(st.one_of(st.binary(max_size=60), st.dictionaries(FIELDS, JSON_VALUES).map(lambda d: json.dumps(d).encode())))
def test_whatever_comes_is_read_or_refused_but_never_breaks(raw):
    for decode in (decode_args, decode_preemption):
        try:
            decode(raw)
        except BadRequest as e:
            assert str(e)
