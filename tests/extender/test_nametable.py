"""Places of names from the JSON of a list: those that a dictionary would give, or none at all."""

import json
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.candidates import NodeIndex
from extender.nametable import NameTable

FORMS = ["node-{:04d}", "gke-pool-1-{:08x}-abcd", "{:064d}", "{:01d}"]
LISTS = st.lists(st.sampled_from(range(10)), min_size=1, max_size=40)


def as_go_writes(names):
    return json.dumps(list(names), separators=(",", ":")).encode()


def find_in(names):
    places = {name: i for i, name in enumerate(names)}
    return lambda name: places.get(name, -1)


@pytest.mark.parametrize("form", FORMS[:3])
@pytest.mark.parametrize("count", [1, 500, 5000])
def test_names_of_one_length_are_found_in_any_order(form, count):
    names = [form.format(i * 7919 % 10_000) for i in range(count)]
    table, order = NameTable(names), random.Random(count).sample(range(count), count)
    found = table.places(as_go_writes(names[i] for i in order), find_in(names))
    assert found.tolist() == order


def test_most_names_are_found_without_being_looked_up_one_by_one():
    names = [f"node-{i:04d}" for i in range(5000)]
    asked = []
    NameTable(names).places(as_go_writes(names), lambda name: asked.append(name) or names.index(name))
    assert len(asked) <= 500


def test_names_that_differ_in_more_characters_than_make_a_number_are_told_apart():
    names = ["a" * i + "b" + "a" * (39 - i) for i in range(40)]
    assert NameTable(names).places(as_go_writes(reversed(names)), find_in(names)).tolist() == list(range(39, -1, -1))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"[",
        b'["a-1"',
        b'["a-1"}',
        b'{"a-1"]',
        b'["a-1","a-2",]',
        b'["a-1";"a-2"]',
        b'["a-1" "a-2"]',
        b'["a-1","a-9"]',
        b'["a-1","a-\xff"]',
        b'["a\\u002d1"]',
        b"[\"a-1','a-2\"]",
        b'["a-1","a-2"] ',
        b'["a-10"]',
    ],
)
def test_anything_else_than_a_list_of_known_names_is_left_to_others(text):
    names = [f"a-{i}" for i in range(4)]
    assert NameTable(names).places(text, find_in(names)) is None


def test_names_that_json_escapes_and_those_of_other_lengths_are_left_to_others():
    names = ["ab", 'a"', "a\\", "é", "cd", "longer"]
    table = NameTable(names)
    assert table.places(b'["cd","ab"]', find_in(names)).tolist() == [4, 0]
    for name in ('a"', "é", "longer"):
        assert table.places(msgspec.json.encode(["ab", name]), find_in(names)) is None
    assert NameTable(['"']).places(b'["\\""]', find_in(['"'])) is None


def test_a_name_that_came_after_the_table_was_made_is_left_to_others():
    names = ["a-1", "a-2"]
    assert NameTable(names).places(b'["a-1","a-3"]', find_in([*names, "a-3"])) is None


@given(st.lists(st.text(max_size=3), unique=True, max_size=30), LISTS)
def test_what_is_found_is_what_a_dictionary_finds(names, which):
    table, asked = NameTable(names), [names[i] for i in which if i < len(names)]
    found = table.places(msgspec.json.encode(asked), find_in(names))
    assert found is None or [names[place] for place in found.tolist()] == asked


@given(LISTS, st.integers(0, 200), st.integers(0, 255))
def test_of_a_damaged_list_nothing_is_found_but_what_it_says(which, at, byte):
    names = [f"n{i}" for i in range(10)]
    text = bytearray(as_go_writes(names[i] for i in which))
    text[at % len(text)] = byte
    found = NameTable(names).places(bytes(text), find_in(names))
    if found is not None:
        assert msgspec.json.decode(bytes(text)) == [names[place] for place in found.tolist()]


def test_an_index_makes_its_table_when_no_more_names_come():
    index, text = NodeIndex(), as_go_writes(["n1", "n2"])
    assert index.listed(text) is None
    index.places(["n1", "n2"])
    assert index.listed(text) is None  # they came just now
    assert index.listed(text).tolist() == [0, 1]
    index.places(["n0"])
    assert index.listed(as_go_writes(["n0"])) is None
    assert index.listed(as_go_writes(["n0", "n1"])).tolist() == [2, 0]
