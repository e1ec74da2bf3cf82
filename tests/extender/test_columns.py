"""Reports as arrays: both forms say the same, and no body breaks the reader."""

import struct
import tracemalloc
from contextlib import suppress

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.columns import Columns, of_packed, of_report
from prober.compact import RTT_LOST, RTT_UNMEASURED, Packed, decode_packed, pack
from prober.wire import MAX_AGE_MS, MAX_RTT_MS, MAX_TARGETS, Report, Run, WireError, decode_report, encode

rtts = st.lists(st.none() | st.just(-1.0) | st.floats(0, MAX_RTT_MS), max_size=8)
runs = st.builds(Run, age_ms=st.floats(0, 1e6), step_ms=st.floats(1, 1e4, width=32), rtt_ms=rtts)
names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20)
samples = st.dictionaries(names, runs | st.lists(runs, min_size=1, max_size=3), max_size=5)


def a_report(found: dict[str, Run | list[Run]]) -> Report:
    return Report("-me-", "b", 1, 10_000.0, found)


def from_json(body: bytes) -> Columns:
    return of_report(decode_report(body))


def from_compact(body: bytes) -> Columns:
    return of_packed(decode_packed(body))


@given(samples)
def test_both_forms_of_a_report_give_the_same_arrays(found: dict[str, Run | list[Run]]) -> None:
    json, compact = from_json(encode(a_report(found))), from_compact(pack(a_report(found)))
    assert list(compact.targets) == list(json.targets)
    assert compact.places.tolist() == json.places.tolist()
    assert compact.counts.tolist() == json.counts.tolist()
    np.testing.assert_allclose(compact.ages_ms, json.ages_ms, atol=0.051)
    np.testing.assert_array_equal(compact.steps_ms, json.steps_ms)
    np.testing.assert_allclose(compact.rtt_ms, json.rtt_ms, atol=0.000126)  # an eighth of a microsecond


@given(samples, st.floats(0, 2000))
def test_samples_are_those_of_the_runs_by_target_and_time(found: dict[str, Run | list[Run]], since: float) -> None:
    now, report = 2000.0, a_report(found)
    place, at_s, rtt_ms = of_report(report).samples(now, since)
    expected = []
    for i, runs in enumerate(found.values()):
        own = [
            (now - (run.age_ms + run.step_ms * (len(run.rtt_ms) - 1 - k)) / 1000, v)
            for run in (runs if isinstance(runs, list) else [runs])
            for k, v in enumerate(run.rtt_ms)
        ]
        own = sorted((s for s in own if s[0] >= since), key=lambda s: s[0])
        expected += [(i, t, np.nan if v is None else np.inf if v == -1 else v) for t, v in own]
    assert place.tolist() == [i for i, _, _ in expected]
    assert at_s.tolist() == [t for _, t, _ in expected]
    np.testing.assert_array_equal(rtt_ms, [v for _, _, v in expected])


def test_a_target_without_runs_is_left_out() -> None:
    columns = of_report(a_report({"a": [], "b": Run(0, 1000, [1.0])}))
    assert (list(columns.targets), columns.places.tolist()) == (["b"], [0])


def test_a_report_without_samples_has_empty_columns() -> None:
    for columns in (from_compact(pack(a_report({}))), from_json(encode(a_report({})))):
        assert [len(column) for column in columns.samples(0.0, 0.0)] == [0, 0, 0]


def _never_but_wire_errors(body: bytes) -> None:
    with suppress(WireError):
        place, at_s, rtt_ms = from_compact(body).samples(0.0, -1e9)
        assert len(place) == len(at_s) == len(rtt_ms) <= len(body)
        assert not np.isnan(at_s).any()
        assert ((rtt_ms >= 0) | np.isnan(rtt_ms)).all()


@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_wire_errors(body: bytes) -> None:
    _never_but_wire_errors(body)


@given(samples, st.data())
def test_a_body_that_was_changed_in_places_raises_nothing_but_wire_errors(
    found: dict[str, Run | list[Run]], data: st.DataObject
) -> None:
    body = bytearray(pack(a_report(found)))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    _never_but_wire_errors(bytes(body))


@given(samples, st.floats(0, 1))
def test_a_body_that_was_cut_off_is_refused(found: dict[str, Run | list[Run]], share: float) -> None:
    body = pack(a_report(found))
    with pytest.raises(WireError, match="truncated"):
        from_compact(body[: int(share * (len(body) - 1))])


def a_map(**fields: bytes) -> bytes:
    return bytes([0x80 + len(fields)]) + b"".join(msgspec.msgpack.encode(k) + v for k, v in fields.items())


HEAD = msgspec.msgpack.encode(a_report({}))
LIST, MAP = b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff"
CLAIMS = {
    "targets": a_map(head=HEAD, targets=LIST + b"\xa1a"),
    "as many targets as may be": a_map(head=HEAD, targets=b"\xdd" + struct.pack(">I", MAX_TARGETS)),
    "a name": a_map(head=HEAD, targets=b"\x91\xdb\xff\xff\xff\xff"),
    "a column": a_map(head=HEAD, rtts=b"\xc6\xff\xff\xff\xff"),
    "samples in the head": a_map(head=a_map(node=b"\xa1n", samples=MAP)),
    "runs in the head": a_map(head=a_map(node=b"\xa1n", samples=a_map(a=LIST))),
    "an unknown list": a_map(new=LIST, head=HEAD),
    "an unknown map": a_map(new=MAP, head=HEAD),
    "lists in lists": a_map(new=b"\x91" * 100_000, head=HEAD),
}


@pytest.mark.parametrize("body", CLAIMS.values(), ids=CLAIMS.keys())
def test_a_body_that_claims_to_be_long_is_refused_without_making_room_for_it(body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            from_compact(body)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


columns_of_any_length = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("runs", "counts", "ages", "steps", "rtts"), st.binary(max_size=16))
)


@given(columns_of_any_length, st.lists(names, max_size=3))
def test_columns_that_do_not_fit_each_other_raise_nothing_but_wire_errors(
    columns: dict[str, bytes], targets: list[str]
) -> None:
    _never_but_wire_errors(msgspec.msgpack.encode(Packed(head=a_report({}), targets=targets, **columns)))


def u16(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}H", *numbers)


def u32(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def f32(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


GOOD = {"targets": ["a", "b"], "ages": u32(0, 5), "steps": f32(1000), "rtts": u32(4000, RTT_LOST)}
DAY = int(MAX_AGE_MS)
BAD = {
    "an RTT above ten minutes": ({"rtts": u32(1, 600_001 * 4000)}, r"an RTT is from 0 to 600000 ms.*\$\.rtts\[1\]"),
    "an RTT between the limit and lost": ({"rtts": u32(2**32 - 3, 1)}, r"\$\.rtts\[0\]"),
    "an RTT too few": ({"rtts": u32(1)}, r"1 samples, but the runs have 2 - at `\$\.rtts`"),
    "half an RTT": ({"rtts": u32(1) + b"\0"}, r"5 bytes are no whole numbers of 4 - at `\$\.rtts`"),
    "an age of two days": ({"ages": u32(0, 2 * 10 * DAY)}, r"\$\.ages\[1\]"),
    "an age too many": ({"ages": u32(0, 0, 0)}, r"3 ages, but the targets have 2 runs - at `\$\.ages`"),
    "no step": ({"steps": b""}, r"0 steps for 2 runs.*\$\.steps"),
    "a step of nothing": ({"steps": f32(0)}, r"a step is from 1 ms to a day - at `\$\.steps\[0\]`"),
    "a step that is no number": ({"steps": f32(1000, float("nan"))}, r"\$\.steps\[1\]"),
    "a step of days": ({"steps": f32(float("inf"))}, r"\$\.steps\[0\]"),
    "three steps for two": ({"steps": f32(1, 1, 1)}, r"\$\.steps"),
    "a run into days ago": (
        {"counts": u16(3, 1), "steps": f32(DAY / 2, 1), "ages": u32(1, 0), "rtts": u32(1, 1, 1, 1)},
        r"the oldest sample is more than a day old - at `\$\.ages\[0\]`",
    ),
    "counts of more samples than there are": ({"counts": u16(65535, 65535)}, r"the runs have 131070 - at `\$\.rtts`"),
    "a count too few": ({"counts": u16(1)}, r"1 numbers for 2 runs - at `\$\.counts`"),
    "a run of thousands": ({"counts": u16(1, 4097), "rtts": u32(*[0] * 4098)}, r"at most 4096 samples.*\[1\]"),
    "runs of thousands": (
        {"runs": u16(1, 2), "ages": u32(0, 0, 0), "counts": u16(1, 2049, 2048), "rtts": u32(*[0] * 4098)},
        r"at most 4096 samples - at `\$\.targets\[1\]`",
    ),
    "hundreds of runs": ({"runs": u16(1, 257), "ages": u32(*[0] * 258)}, r"from 1 to 256 runs - at `\$\.runs\[1\]`"),
    "a target without a run": ({"runs": u16(2, 0)}, r"\$\.runs\[1\]"),
    "runs of three for two": ({"runs": u16(1, 1, 1)}, r"3 numbers for 2 targets - at `\$\.runs`"),
    "a target twice": ({"targets": ["a", "a"]}, r"a target comes twice - at `\$\.targets`"),
    "itself as target": ({"targets": ["a", "-me-"]}, "itself"),
    "a name without letters": ({"targets": ["a", ""]}, r"targets\[1\]|\$\.targets\[\.\.\.\]"),
    "samples in the head": ({"head": a_report({"a": Run(0, 1000, [1.0])})}, r"\$\.head\.samples"),
}


def test_the_good_example_is_good() -> None:
    columns = of_packed(decode_packed(msgspec.msgpack.encode(Packed(head=a_report({}), **GOOD))))
    assert columns.rtt_ms.tolist() == [1.0, np.inf]
    assert columns.ages_ms.tolist() == [0.0, 0.5]
    rtts = u32(RTT_UNMEASURED, int(MAX_RTT_MS * 4000))
    longest = of_packed(Packed(head=a_report({}), **(GOOD | {"rtts": rtts})))
    np.testing.assert_array_equal(longest.rtt_ms, [np.nan, MAX_RTT_MS])


@pytest.mark.parametrize(("changes", "says"), BAD.values(), ids=BAD.keys())
def test_a_bad_column_is_refused_with_its_place(changes: dict[str, object], says: str) -> None:
    body = msgspec.msgpack.encode(Packed(**({"head": a_report({})} | GOOD | changes)))
    with pytest.raises(WireError, match=says):
        from_compact(body)
