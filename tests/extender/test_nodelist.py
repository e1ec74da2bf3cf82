"""Whole nodes: their names and places in the call, found by Go's way of writing or else by a decoder."""

import json

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.nodelist import names_as_go_writes, runs
from extender.wire import decode_args


def node(name, **more):
    return json.dumps({"metadata": {"name": name, "uid": "u"}, "spec": more}, separators=(",", ":")).encode()


def items(text):
    return msgspec.json.decode(text, type=list[msgspec.Raw])


def test_names_are_found_at_the_begin_of_each_node():
    assert names_as_go_writes(items(b"[" + node("a") + b"," + node("b-2", podCIDR="x") + b"]")) == ["a", "b-2"]


@pytest.mark.parametrize(
    "other",
    [
        b'{"spec":{},"metadata":{"name":"c"}}',
        b'{"metadata":{"uid":"u","name":"c"}}',
        b'{ "metadata":{"name":"c"}}',
        b'{"metadata":{"name":"\\u0063"}}',
        b'{"metadata":{"name":"' + b"c" * 300 + b'"}}',
    ],
)
def test_nodes_that_are_written_otherwise_are_left_to_a_decoder(other):
    assert names_as_go_writes(items(b"[" + node("a") + b"," + other + b"]")) is None
    call = b'{"Pod":{"metadata":{"name":"p"}},"Nodes":{"items":[' + node("a") + b"," + other + b']},"NodeNames":null}'
    assert decode_args(call).names == ["a", json.loads(other)["metadata"]["name"]]


@given(
    st.lists(st.tuples(st.text(max_size=12), st.booleans()), min_size=1, max_size=12),
    st.sampled_from([b",", b" ,", b", \n"]),
    st.sampled_from([b"", b" "]),
)
def test_the_kept_nodes_come_back_byte_for_byte(nodes, comma, space):
    each = [node(name) for name, _ in nodes]
    kept = np.array([keep for _, keep in nodes])
    text = b"[" + space + comma.join(each) + space + b"]"
    found = b"".join(bytes(piece) for piece in runs(text, items(text), kept))
    assert found == b",".join(raw for raw, keep in zip(each, kept, strict=True) if keep)


def test_neighbours_come_as_one_piece_of_the_text():
    text = b"[" + b",".join(node(name) for name in "abcdef") + b"]"
    kept = np.array([True, True, False, False, True, True])
    assert len(list(runs(text, items(text), kept))) == 3


def test_nothing_kept_is_nothing():
    text = b"[" + node("a") + b"]"
    assert list(runs(text, items(text), np.array([False]))) == []
    assert list(runs(b"[]", [], np.zeros(0, dtype=bool))) == []
