"""The manifest: strict, and clear about what is wrong."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ArtefactError
from models.manifest import check_name, check_pair, decode, encode
from tests.models.networks import manifest


def changed(**changes):
    return json.dumps(json.loads(encode(manifest())) | changes).encode()


def test_what_is_written_is_read():
    assert decode(encode(manifest(pair="a2b")), "x.json") == manifest(pair="a2b")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<html>", "not JSON"),
        (b'{"schema_version": 1, "na', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "no manifest"),
        (changed(schema_version=2), "schema version 2"),
        (changed(units="s"), "units"),
        (changed(window=0), "window"),
        (changed(surprise=1), "surprise"),
        (changed(created="yesterday"), "created"),
        (changed(name="../../etc/passwd"), "no usable name"),
        (changed(pair="a"), "no pair"),
        (changed(inputs={"window": [30]}), 'expected ["n", ...]'),
        (changed(outputs={}), "no outputs"),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_file_and_its_fault(content, says):
    with pytest.raises(ArtefactError) as caught:
        decode(content, "dir/x.json")
    assert str(caught.value).startswith("dir/x.json: ")
    assert says in str(caught.value)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_without_a_crash(content):
    with pytest.raises(ArtefactError):
        decode(content, "x")


@given(st.data())
def test_altered_manifests_are_read_or_refused(data):
    content = bytearray(encode(manifest()))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ArtefactError):
        decode(bytes(content), "x")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", ".hidden", "-x", "a\0b", "a\n", "ä", "x" * 300, "promoted"]
)
def test_names_that_are_no_plain_file_names_are_refused(name):
    with pytest.raises(ArtefactError, match="no usable name"):
        check_name(name)


@pytest.mark.parametrize("pair", ["master2node1", "node12node2", "a.example2b.example", "a2b"])
def test_pairs_of_any_node_names_pass(pair):
    assert check_pair(pair) == pair


@pytest.mark.parametrize("pair", ["", "2", "a2", "2b", "ab", "a2b/c", "a 2b", "../a2b"])
def test_what_joins_no_two_names_is_no_pair(pair):
    with pytest.raises(ArtefactError, match="no pair"):
        check_pair(pair)
