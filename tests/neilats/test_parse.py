"""Parsers of setting values."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neilats import parse

PARSERS = {
    "text": parse.text,
    "boolean": parse.boolean,
    "number": parse.number(0, 10),
    "integer": parse.integer(0, 10),
    "choice": parse.choice("a", "b"),
    "endpoint": parse.endpoint,
    "optional_endpoint": parse.optional_endpoint,
    "choices": parse.choices("a", "b"),
    "names": parse.names,
    "urls": parse.urls,
    "addresses": parse.addresses,
    "networks": parse.networks,
    "nodes": parse.nodes,
    "existing_file": parse.existing_file,
}

yaml_scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(alphabet="0123.:,=[]/-ah t")
)
yaml_values = st.recursive(yaml_scalars, lambda v: st.lists(v) | st.dictionaries(st.text() | st.integers(), v))


@pytest.mark.parametrize("name", PARSERS)
@given(raw=yaml_values)
def test_whatever_a_file_holds_is_taken_or_refused_with_a_value_error(name, raw):
    with suppress(ValueError):
        PARSERS[name](raw)


@pytest.mark.parametrize("url", ["http://x:99999", "http://x:abc", "http://x:0", "http://[::1", "ftp://x", "http://"])
def test_urls_that_cannot_be_called_are_refused_with_an_example(url):
    with pytest.raises(ValueError, match="is no URL such as http://neilats-extender:8080"):
        parse.urls(url)


def test_urls_with_and_without_a_port_are_taken():
    assert parse.urls("http://x:8080/, https://[::1]") == ("http://x:8080", "https://[::1]")


@pytest.mark.parametrize("word", ["1", "true", "Yes", "ON", True])
def test_true(word):
    assert parse.boolean(word) is True


@pytest.mark.parametrize("word", ["0", "false", "No", "off", "", False])
def test_false(word):
    assert parse.boolean(word) is False


@pytest.mark.parametrize("raw", ["nan", "inf", "-0.1", "10.1", "", None, "ten", [1]])
def test_numbers_outside_their_range_are_refused(raw):
    with pytest.raises(ValueError, match="a number from 0 to 10"):
        parse.number(0, 10)(raw)


@pytest.mark.parametrize("raw", ["1.5", 1.5, "", True, "0x1"])
def test_what_is_no_whole_number_is_refused(raw):
    with pytest.raises(ValueError, match="whole number"):
        parse.integer(0, 10)(raw)


@pytest.mark.parametrize(
    ("value", "split"),
    [
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        (":80", (None, 80)),
        ("[::1]:80", ("::1", 80)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_endpoints_are_split(value, split):
    assert parse.split_endpoint(value) == split


@pytest.mark.parametrize("value", ["host", "host:", "host:65536", "host:-1", "host:http"])
def test_endpoints_without_a_port_are_refused(value):
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse.endpoint(value)


@pytest.mark.parametrize("value", ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"])
def test_loopback_addresses_are_told_from_others(value):
    assert parse.is_loopback(value)


@pytest.mark.parametrize("value", ["0.0.0.0:1", ":1", "10.0.0.1:1", "[::]:1", "example.org:1"])
def test_what_other_hosts_reach_is_no_loopback(value):
    assert not parse.is_loopback(value)


def test_choices_are_taken_in_their_order_and_unknown_ones_named():
    assert parse.choices("a", "b")("b, A,b") == ("b", "a")
    with pytest.raises(ValueError, match="c: expected some of a, b"):
        parse.choices("a", "b")("a,c")


def test_an_optional_endpoint_may_be_left_empty():
    assert parse.optional_endpoint(None) == parse.optional_endpoint(" ") == ""
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse.optional_endpoint("host")


def test_urls_lose_their_trailing_slash_and_may_be_many():
    assert (
        parse.urls("http://a:1/, https://b") == parse.urls(["http://a:1", "https://b/"]) == ("http://a:1", "https://b")
    )


@pytest.mark.parametrize("value", ["a:8080", "ftp://a", "http://", "//a"])
def test_what_is_no_web_address_is_refused(value):
    with pytest.raises(ValueError, match="no URL"):
        parse.urls(value)


@pytest.mark.parametrize(
    "raw",
    [
        "a=10.0.0.1, b",
        ["a=10.0.0.1", "b"],
        [{"name": "a", "address": "10.0.0.1"}, {"name": "b"}],
        {"a": "10.0.0.1", "b": None},
    ],
    ids=["text", "list of text", "list of mappings", "mapping"],
)
def test_static_nodes_can_be_written_in_four_ways(raw):
    assert parse.nodes(raw) == (("a", "10.0.0.1"), ("b", ""))


@pytest.mark.parametrize(
    ("raw", "word"), [("a,a", "twice"), ("=10.0.0.1", "no name"), ("a=nowhere", "no IP address")], ids=str
)
def test_static_nodes_that_make_no_sense_are_refused(raw, word):
    with pytest.raises(ValueError, match=word):
        parse.nodes(raw)
