"""Answers of an API server, whatever is in them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.cluster.api import ApiError, decoded


class Named(msgspec.Struct):
    name: str = ""


named = msgspec.json.Decoder(Named).decode


def test_an_answer_is_decoded():
    assert decoded(named, b'{"name": "a", "more": [1]}') == Named("a")


@pytest.mark.parametrize("raw", [b"", b"{", b'{"name": 5}', b'{"name": "\xff"}', b'{"x": ' + b"[" * 100_000])
def test_one_that_cannot_be_read_is_a_broken_one(raw):
    with pytest.raises(ApiError, match="no valid answer") as caught:
        decoded(named, raw)
    assert caught.value.reason == "broken"


@given(st.binary(max_size=60))
def test_whatever_comes_is_decoded_or_broken(raw):
    try:
        assert isinstance(decoded(named, raw), Named)
    except ApiError as e:
        assert e.reason == "broken"
