"""The Authorization header, and a token's own end."""

import base64
import math

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from extender.access.bearer import LONGEST, bearer_token, token_end
from extender.access.caller import caller_of
from extender.errors import Unauthenticated
from tests.extender.access.fake_reviews import jwt


def token_of(*headers):
    request = make_mocked_request("GET", "/", CIMultiDict([("authorization", h) for h in headers]))
    return bearer_token(caller_of(request).authorizations, "advice")


@pytest.mark.parametrize("header", ["Bearer abc.def-_~+/1==", "bearer abc.def-_~+/1==", "Bearer   abc.def-_~+/1=="])
def test_a_bearer_token_is_read_whatever_the_case_of_its_scheme(header):
    assert token_of(header) == "abc.def-_~+/1=="


@pytest.mark.parametrize(
    "header", ["Basic abc", "Bearer", "Bearer ", "abc", "Bearer a b", "Bearer =", "Bearer tökén", "Bearer a,b"]
)
def test_any_other_header_is_malformed_and_the_answer_says_what_is_expected(header):
    with pytest.raises(Unauthenticated, match=r"malformed: expected `Bearer TOKEN`; advice"):
        token_of(header)


def test_no_header_is_no_token():
    with pytest.raises(Unauthenticated, match="no token: expected the header"):
        token_of()


def test_two_headers_are_refused():
    with pytest.raises(Unauthenticated, match="several"):
        token_of("Bearer a", "Bearer b")


def test_a_token_above_the_limit_is_refused_unread():
    assert token_of("Bearer " + "a" * LONGEST)
    with pytest.raises(Unauthenticated, match="16385 bytes"):
        token_of("Bearer " + "a" * (LONGEST + 1))


def test_a_refusal_asks_for_a_bearer_token():
    assert Unauthenticated("no").headers() == {"WWW-Authenticate": "Bearer"}


def test_a_token_says_when_it_ends():
    assert token_end(jwt(exp=1_800_000_600)) == 1_800_000_600


@pytest.mark.parametrize(
    "token",
    ["opaque", "a.b", "a.b.c.d", "a.!!!!.c", "a.e30.c", jwt(exp=None), jwt(exp="soon"), jwt(exp=True), jwt(exp=[1])],
)
def test_a_token_whose_end_cannot_be_read_has_none(token):
    assert token_end(token) == math.inf


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: f"a.{base64.urlsafe_b64encode(b).decode()}.c"))
def test_the_end_of_any_text_is_a_number(token):
    assert not math.isnan(token_end(token))


def test_a_deeply_nested_token_is_only_unreadable():
    nested = base64.urlsafe_b64encode(b'{"a":' + b"[" * 9000).decode()
    assert token_end(f"a.{nested}.c") == math.inf
