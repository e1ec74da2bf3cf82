"""The fields of pods that the watches read, against the whole pod."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.cluster.podfields import decode_pod
from extender.pods import Pod, PodError

ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
WORDS = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2)
META = st.fixed_dictionaries(
    {"name": st.sampled_from(["web", ""])},
    optional={
        "namespace": st.sampled_from(["shop", None]),
        "uid": st.text(max_size=5),
        "labels": WORDS | ANY,
        "annotations": WORDS | ANY,
        "ownerReferences": st.lists(st.fixed_dictionaries({"uid": st.text(max_size=3), "controller": st.booleans()})),
        "deletionTimestamp": st.sampled_from(["now", None]),
        "managedFields": ANY,
    },
)
PODS = st.fixed_dictionaries(
    {"metadata": META},
    optional={
        "spec": st.none()
        | st.fixed_dictionaries({}, optional={"nodeName": ANY, "schedulerName": ANY, "containers": ANY}),
        "status": st.none() | st.fixed_dictionaries({}, optional={"phase": ANY, "conditions": ANY}),
    },
)


def read(raw):
    try:
        return Pod.from_json(raw)
    except PodError as e:
        return str(e)


@given(PODS)
def test_a_pod_reads_as_from_its_whole_json(pod):
    assert read(decode_pod(json.dumps(pod))) == read(pod)


@given(PODS)
def test_nothing_else_is_kept(pod):
    found = decode_pod(json.dumps(pod))
    assert "managedFields" not in found["metadata"]
    assert "conditions" not in (found.get("status") or {})


@pytest.mark.parametrize("raw", ['{"metadata": 5}', "[]", '{"metadata": {"name": "a"}, "spec": "x"}'])
def test_what_is_no_pod_is_an_error(raw):
    with pytest.raises(msgspec.ValidationError):
        decode_pod(raw)
