import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.wire import (
    Addresses,
    Reply,
    Report,
    Run,
    SelfReport,
    Target,
    WireError,
    decode_reply,
    decode_report,
    encode,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)
keys = ("node", "boot", "seq", "interval_ms", "samples", "addresses", "self", "full", "resync", "targets")
report_like = st.fixed_dictionaries({}, optional=dict.fromkeys(keys, json_values))


def _never_but_wire_errors(body: bytes) -> None:
    for decode in (decode_report, decode_reply):
        with suppress(WireError):
            decode(body)


@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_wire_errors(body: bytes) -> None:
    _never_but_wire_errors(body)


@given(json_values | report_like)
def test_random_json_raises_nothing_but_wire_errors(value: object) -> None:
    _never_but_wire_errors(json.dumps(value).encode())


def test_deep_nesting_is_a_wire_error() -> None:
    _never_but_wire_errors(b"[" * 100_000)
    _never_but_wire_errors(b'{"node":' * 10_000)


rtts = st.lists(st.none() | st.just(-1.0) | st.floats(0, 600_000), max_size=8)
runs = st.builds(Run, age_ms=st.floats(0, 1e6), step_ms=st.floats(1, 1e4), rtt_ms=rtts)
names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20)
reports = st.builds(
    Report,
    node=st.just("-me-"),
    boot=st.text(max_size=16),
    seq=st.integers(1, 2**53),
    interval_ms=st.floats(10, 3_600_000),
    samples=st.dictionaries(names, runs | st.lists(runs, max_size=3), max_size=4),
    addresses=st.builds(Addresses, ipv4=st.none() | st.just("10.0.0.1"), udp_port=st.integers(0, 65535)),
    self_=st.builds(SelfReport, mode=st.just("raw"), loopback_ms=st.none() | st.floats(0, 10), noisy=st.integers(0, 9)),
    full=st.booleans(),
)


@given(reports)
def test_a_report_comes_back_as_it_was(report: Report) -> None:
    assert decode_report(encode(report)) == report


@given(st.builds(Reply, st.booleans(), st.floats(10, 3_600_000), st.lists(st.builds(Target, names, names), max_size=4)))
def test_a_reply_comes_back_as_it_was(reply: Reply) -> None:
    assert decode_reply(encode(reply)) == reply


@pytest.mark.parametrize("rtt_ms", [-2.0, -0.5, 600_001.0, 1e300])
def test_an_impossible_rtt_is_refused_with_its_place(rtt_ms: float) -> None:
    report = Report("me", "b", 1, 1000.0, {"n": Run(0.0, 1000.0, [0.1, rtt_ms])})
    with pytest.raises(WireError, match=r"\$\.samples\.n\[1\]"):
        decode_report(encode(report))


def test_a_node_that_reports_on_itself_is_refused() -> None:
    with pytest.raises(WireError, match="does not probe itself"):
        decode_report(encode(Report("me", "b", 1, 1000.0, {"me": Run(0.0, 1000.0, [0.1])})))


def test_no_nan_gets_through() -> None:
    body = (
        b'{"node":"me","boot":"b","seq":1,"interval_ms":1000,"samples":{"n":{"age_ms":0,"step_ms":1,"rtt_ms":[NaN]}}}'
    )
    with pytest.raises(WireError):
        decode_report(body)
    assert b"NaN" not in encode(Report("me", "b", 1, 1000.0, {"n": Run(0.0, 1.0, [math.nan])}))
