"""Pods are read once, and as a watch would read them."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.intents import PREFIX, parse_intent
from extender.podreader import PodReader
from extender.pods import Pod, PodError
from scoring.profiles import PROFILES

WORDS = st.sampled_from(["a", "b", "", "neilats.io/mode", PREFIX + "peer-nodes", "nei_node", "sla", "5", "require"])
ODD = st.one_of(WORDS, st.none(), st.integers(), st.booleans(), st.lists(WORDS, max_size=2))
OWNERS = st.lists(
    st.dictionaries(st.sampled_from(["uid", "controller", "name"]), st.one_of(WORDS, st.booleans())), max_size=3
)
METAS = st.fixed_dictionaries(
    {"name": st.one_of(WORDS, ODD)},
    optional={
        "namespace": ODD,
        "uid": ODD,
        "labels": st.one_of(st.dictionaries(WORDS, WORDS, max_size=3), ODD),
        "annotations": st.one_of(st.dictionaries(WORDS, st.one_of(WORDS, ODD), max_size=3), ODD),
        "ownerReferences": st.one_of(OWNERS, ODD),
        "deletionTimestamp": ODD,
    },
)
PODS = st.fixed_dictionaries(
    {"metadata": st.one_of(METAS, ODD)},
    optional={
        "spec": st.one_of(st.dictionaries(st.just("nodeName"), ODD), ODD),
        "status": st.one_of(st.dictionaries(st.just("phase"), ODD), ODD),
    },
)


@given(PODS)
def test_a_pod_is_what_the_longer_way_makes_of_it_or_refused_with_the_same_words(raw):
    reader = PodReader()
    try:
        expected = Pod.from_json(raw)
    except PodError as e:
        with pytest.raises(PodError) as found:
            reader.read(json.dumps(raw).encode())
        assert str(found.value) == str(e)
        return
    pod, intent = reader.read(json.dumps(raw).encode())
    assert (pod, intent) == (expected, parse_intent(expected, PROFILES))


def raw_pod(name, **annotations):
    return json.dumps(
        {"metadata": {"name": name, "annotations": {PREFIX + k: v for k, v in annotations.items()}}}
    ).encode()


def test_equal_bytes_are_read_once_and_equal_annotations_are_one_intent():
    reader = PodReader()
    pod, intent = reader.read(raw_pod("web-1", mode="prefer"))
    assert reader.read(raw_pod("web-1", mode="prefer"))[0] is pod
    other, same = reader.read(raw_pod("web-2", mode="prefer"))
    assert (other.name, same is intent) == ("web-2", True)
    assert reader.read(raw_pod("web-1", mode="require"))[1] != intent


def test_a_pod_without_annotations_of_ours_has_no_intent():
    assert PodReader().read(b'{"metadata":{"name":"p","annotations":{"x":"y"},"labels":{"app":"db"}}}')[1] is None


def test_what_is_remembered_is_bounded():
    reader = PodReader(pods=3, intents=2)
    for i in range(10):
        reader.read(raw_pod(f"web-{i}", mode=f"m{i}"))
    assert (len(reader._pods), len(reader._intents)) == (3, 2)


@pytest.mark.parametrize("raw", [b"[]", b"{", b'{"metadata":' + b"[" * 2000, b'{"metadata":{"name":"\xff"}}'])
def test_what_is_no_pod_is_refused(raw):
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError, RecursionError, PodError)):
        PodReader().read(raw)
