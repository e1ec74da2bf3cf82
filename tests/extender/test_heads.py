"""Heads of kube-scheduler's calls: exactly Go's form, and nothing that another parser could read otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.heads import CALLS, MOST

FIELDS = (
    b"Host: 127.0.0.1:8888",
    b"User-Agent: Go-http-client/1.1",
    b"Content-Length: 12",
    b"Content-Type: application/json",
    b"Accept-Encoding: gzip",
)


def head(*fields, first=b"POST /scheduler/filter HTTP/1.1"):
    return b"\r\n".join((first, *fields)) + b"\r\n\r\n"


GO = head(*FIELDS)


def test_gos_head_is_read_with_what_follows_left_alone():
    found = CALLS.read(GO + b"{}")
    assert (found.target, found.length, found.raw) == (b"/scheduler/filter", 12, GO)
    assert found.fields[b"Host"] == b"127.0.0.1:8888"


@pytest.mark.parametrize(
    "field",
    [
        b"Transfer-Encoding: chunked",
        b"Connection: close",
        b"Expect: 100-continue",
        b"Upgrade: h2c",
        b"Content-Encoding: gzip",
        b"Content-Length: 12",
        b"X-Whatever: 1",
        b"accept: */*",
        b"Accept : */*",
        b"Accept:*/*",
        b"Accept:  */*",
        b"Accept: */* ",
        b"Accept: ",
        b"Accept: a\tb",
        b"Accept: \xe4",
        b"Accept: a\nTransfer-Encoding: chunked",
        b"Accept: a\rb",
        b" Accept: folded",
    ],
)
def test_a_head_with_any_other_field_is_left_to_a_full_parser(field):
    assert CALLS.read(head(*FIELDS, field)) is None
    assert not CALLS.may_begin(head(*FIELDS, field))


@pytest.mark.parametrize("length", [b"", b"+1", b"-1", b"01", b"1,1", b"0x1", b"1 1", b"1_0", b"\xd9\xa1", b"9" * 13])
def test_a_length_that_is_no_plain_number_is_left_to_a_full_parser(length):
    assert CALLS.read(GO.replace(b": 12", b": " + length)) is None


@pytest.mark.parametrize("missing", range(4))
def test_host_length_and_type_are_needed(missing):
    found = CALLS.read(head(*FIELDS[:missing], *FIELDS[missing + 1 :]))
    assert (found is None) == (missing != 1)


@pytest.mark.parametrize(
    "first",
    [
        b"GET /scheduler/filter HTTP/1.1",
        b"POST /scheduler/filter HTTP/1.0",
        b"POST  /scheduler/filter HTTP/1.1",
        b"POST /scheduler/filter?a=b HTTP/1.1",
        b"POST /scheduler/%66ilter HTTP/1.1",
        b"POST http://x/scheduler/filter HTTP/1.1",
        b"\r\nPOST /scheduler/filter HTTP/1.1",
        b"POST /v1/report HTTP/1.1",
    ],
)
def test_another_request_line_is_left_to_a_full_parser(first):
    assert CALLS.read(head(*FIELDS, first=first)) is None


def test_a_head_that_is_too_long_is_left_to_a_full_parser():
    assert CALLS.read(head(*FIELDS, b"Accept: " + b"x" * MOST)) is None
    assert not CALLS.may_begin(head(*FIELDS, b"Accept: " + b"x" * MOST)[: MOST + 1])


@given(st.integers(0, len(GO) - 1))
def test_every_part_of_a_head_may_become_one(end):
    assert CALLS.read(GO[:end]) is None
    assert CALLS.may_begin(GO[:end])


@given(st.binary(max_size=300) | st.integers(0, len(GO)).map(lambda end: GO[:end]), st.binary(max_size=8))
def test_what_cannot_become_a_head_never_does(begin, more):
    if not CALLS.may_begin(begin) and CALLS.read(begin) is None:
        assert CALLS.read(begin + more) is None
