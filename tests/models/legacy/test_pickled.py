"""The pickle machine: nothing in a pickle is ever imported, called or constructed."""

import collections
import io
import os
import pickle
import subprocess
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import LegacyError
from models.legacy.pickled import Global, Machine, Record

ALLOWED = frozenset({"collections.OrderedDict", "fractions.Fraction"})


def load(content, **how):
    return Machine(io.BytesIO(content), ALLOWED, "file", **how).load()


def refused(content, says=""):
    with pytest.raises(LegacyError, match=says or None) as caught:
        load(content)
    assert str(caught.value).startswith("file: ")


class Runs:
    """Pickled, it is a call."""

    def __init__(self, function, *args):
        self._call = function, args

    def __reduce__(self):
        return self._call


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner) | st.tuples(inner, inner, inner, inner)
    ),
    max_leaves=20,
)


@given(VALUES, st.sampled_from([3, 4, 5]))
def test_plain_values_are_what_pickle_makes_of_them(value, protocol):
    assert load(pickle.dumps(value, protocol)) == value


def test_an_ordered_dict_is_a_dict_and_its_attributes_are_left_out():
    state = collections.OrderedDict(a=1, b=collections.OrderedDict())
    state._metadata = {"version": 1}
    assert load(pickle.dumps(state, 2)) == {"a": 1, "b": {}}


def test_an_allowed_call_is_recorded_and_not_made():
    stream = b"\x80\x02cfractions\nFraction\n(K\x01K\x00tR."
    with pytest.raises(ZeroDivisionError):
        pickle.loads(stream)
    found = load(stream)
    assert isinstance(found, Record)
    assert (found.name, found.args) == ("fractions.Fraction", (1, 0))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "call",
    [
        Runs(os.system, "touch {}"),
        Runs(eval, "open('{}', 'w')"),
        Runs(exec, "open('{}', 'w')"),
        Runs(subprocess.check_output, ["touch", "{}"]),
        Runs(getattr, os, "system"),
        Runs(__import__, "antigravity"),
        Runs(open, "{}", "w"),
        Runs(map, Runs(os.system, "touch {}"), []),
    ],
    ids=lambda call: call._call[0].__name__,
)
def test_calls_of_other_things_are_refused_and_do_not_take_place(tmp_path, monkeypatch, protocol, call):
    monkeypatch.chdir(tmp_path)
    try:
        content = pickle.dumps([{"weights": call}], protocol)
    except TypeError:
        content = pickle.dumps(call._call[1][1:], protocol)[:-1] + b"cos\nsystem\n."  # a module cannot be pickled
    refused(content)
    assert os.listdir(tmp_path) == []


HOSTILE = {
    "global": b"cos\nsystem\n(X\x02\x00\x00\x00idtR.",
    "stack global": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.",
    "stack global of no texts": b"\x80\x04K\x01K\x02\x93.",
    "nested global": b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.__init__\x93.",
    "global with a dot": b"\x80\x04\x8c\x15collections.OrderedDict\x8c\x07__new__\x93.",
    "global by memo": b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93.",
    "name with a newline": b"\x80\x04\x8c\x0ccollections\n\x8c\x0bOrderedDict\x93.",
    "inst": b"(X\x02\x00\x00\x00idios\nsystem\n.",
    "obj": b"(cos\nsystem\nX\x02\x00\x00\x00ido.",
    "newobj_ex": b"\x80\x04ccollections\nOrderedDict\n)}\x92.",
    "extension": b"\x80\x02\x82\x01.",
    "call of a text": b"\x80\x02X\x02\x00\x00\x00id)R.",
    "call of a call": b"\x80\x02ccollections\nOrderedDict\n)R)R.",
    "call without a tuple": b"\x80\x02ccollections\nOrderedDict\n]R.",
    "state of a text": b"\x80\x02X\x01\x00\x00\x00a}b.",
    "state of a global": b"\x80\x02ccollections\nOrderedDict\n}b.",
    "items of a text": b"\x80\x02X\x01\x00\x00\x00aK\x01K\x02s.",
    "items of a tuple": b"\x80\x02)K\x01a.",
    "unhashable key": b"\x80\x02}]K\x01s.",
    "odd items": b"\x80\x02}(K\x01K\x02K\x03u.",
    "persistent id": b"\x80\x02K\x01Q.",
    "textual persistent id": b"Pstorage\n.",
    "unknown memo": b"\x80\x02h\x05.",
    "huge memo": b"\x80\x02h\x05r\xff\xff\xff\xff.",
    "no mark": b"\x80\x02t.",
    "empty stack": b"\x80\x02.",
    "nothing": b"",
    "no stop": b"\x80\x02K\x01",
    "huge text": b"\x80\x02X\xff\xff\xff\xffab.",
    "huge bytes": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fab.",
    "huge long": b"\x80\x02\x8b\xff\xff\xff\x7f1.",
    "negative long": b"\x80\x02\x8b\xff\xff\xff\xff1.",
    "broken text": b"\x80\x02X\x01\x00\x00\x00\xff.",
    "unknown opcode": b"\x80\x02\xff.",
    "endless": b"\x80\x02" + b"N0" * 300_000,
    "endless marks": b"(" * 300_000,
    "buffer": b"\x80\x05\x97.",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_streams_are_refused(content):
    refused(content)


def test_deep_nesting_and_references_to_oneself_are_harmless():
    deep = load(b"\x80\x02" + b"(" * 50_000 + b"t" * 50_000 + b".")
    assert isinstance(deep, tuple)
    refused(b"\x80\x02}" + b"(" * 50_000 + b"t" * 50_000 + b"K\x01s.", "no names")
    itself = load(b"\x80\x02]q\x00h\x00a.")
    assert itself[0] is itself


def test_many_references_to_one_value_cost_nothing():
    assert isinstance(load(b"\x80\x04]" + b"\x94\x94(" + b"h\x00" * 60_000 + b"e."), list)


def test_a_persistent_id_is_what_the_caller_makes_of_it():
    assert load(b"\x80\x02K\x07Q.", persistent=lambda found: [found]) == [7]


def test_what_is_wrong_is_named():
    refused(HOSTILE["global"], r"refers to 'os\.system'; refused, nothing was executed")
    refused(HOSTILE["inst"], "'INST' has no place here")
    refused(HOSTILE["no stop"], "truncated or damaged")


@given(st.binary(max_size=200))
def test_any_bytes_are_values_or_refused(content):
    with suppress(LegacyError):
        load(b"\x80\x04" + content)


@given(
    st.lists(
        st.sampled_from([bytes([b]) for b in b"\x80\x02(tRq\x00h}]K\x01sueab)QNc0\x85\x86\x87\x93\x94."]), max_size=60
    )
)
def test_any_sequence_of_instructions_is_a_value_or_refused(codes):
    with suppress(LegacyError):
        found = load(b"".join(codes) + b".")
        assert not callable(found)
        assert isinstance(found, (type(None), int, str, bytes, float, tuple, list, dict, Global, Record))
