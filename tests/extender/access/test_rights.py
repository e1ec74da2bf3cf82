"""Access reviews."""

from collections import Counter

import pytest

from extender.access.budget import Budget
from extender.access.identity import Identity
from extender.access.rights import AccessReviewer
from extender.cluster.api import ApiError
from extender.errors import NotReady, Refused

EVE = Identity("eve", "uid-eve", ("dev", "ops"), {"scopes": ("a", "b")})


@pytest.fixture
def counts():
    return Counter()


@pytest.fixture
def reviewer(server, clock, counts):
    return AccessReviewer(server, Budget(1000, clock), clock, lambda o: counts.update([o]))


async def test_a_user_with_the_right_may_and_all_that_is_known_of_it_is_asked(server, reviewer, counts):
    server.allows("eve", "get", "/v1/matrix")
    await reviewer.check(EVE, "get", "/v1/matrix")
    assert server.asked[0]["spec"] == {
        "user": "eve",
        "uid": "uid-eve",
        "groups": ["dev", "ops"],
        "extra": {"scopes": ["a", "b"]},
        "nonResourceAttributes": {"path": "/v1/matrix", "verb": "get"},
    }
    assert counts == {"allowed": 1}


async def test_a_user_without_it_is_refused_with_the_rule_that_is_missing(reviewer, counts):
    with pytest.raises(Refused, match=r"eve may not post /v1/scores.*nonResourceURLs: \['/v1/scores'\]"):
        await reviewer.check(EVE, "post", "/v1/scores")
    assert counts == {"denied": 1}


async def test_a_right_is_remembered_for_a_minute(server, reviewer, clock):
    server.allows("eve", "get", "/v1/matrix")
    for seconds in (0, 59, 1):
        clock.forward(seconds)
        await reviewer.check(EVE, "get", "/v1/matrix")
    assert len(server.asked) == 2


async def test_a_refusal_is_remembered_for_ten_seconds(server, reviewer, clock):
    for seconds in (0, 9):
        clock.forward(seconds)
        with pytest.raises(Refused):
            await reviewer.check(EVE, "get", "/v1/matrix")
    server.allows("eve", "get", "/v1/matrix")
    clock.forward(1)
    await reviewer.check(EVE, "get", "/v1/matrix")


async def test_rights_of_other_users_verbs_and_paths_are_asked_apart(server, reviewer):
    server.allows("eve", "get", "/v1/matrix")
    await reviewer.check(EVE, "get", "/v1/matrix")
    for who, verb, path in (
        (Identity("bob"), "get", "/v1/matrix"),
        (EVE, "post", "/v1/matrix"),
        (EVE, "get", "/v1/decisions"),
    ):
        with pytest.raises(Refused):
            await reviewer.check(who, verb, path)


async def test_while_the_api_server_is_away_known_rights_go_on_and_unknown_ones_wait(server, reviewer, clock):
    server.allows("eve", "get", "/v1/matrix")
    await reviewer.check(EVE, "get", "/v1/matrix")
    server.failure = ApiError("disconnected", "no route")
    clock.forward(359)
    await reviewer.check(EVE, "get", "/v1/matrix")
    with pytest.raises(NotReady):
        await reviewer.check(EVE, "get", "/v1/decisions")
    clock.forward(1)
    with pytest.raises(NotReady):
        await reviewer.check(EVE, "get", "/v1/matrix")
