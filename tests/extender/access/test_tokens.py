"""Token reviews: what is accepted, for how long it is remembered, and what happens when no review can be had."""

import asyncio
from collections import Counter

import pytest

from extender.access.budget import Budget
from extender.access.tokens import TokenReviewer
from extender.cluster.api import ApiError
from extender.errors import NotReady, Unauthenticated
from tests.extender.access.fake_reviews import PROBER, jwt

DOWN = ApiError("disconnected", "no route")


@pytest.fixture
def counts():
    return Counter()


@pytest.fixture
def reviewer(server, clock, wall, counts):
    return TokenReviewer(server, ("neilats", "other"), Budget(1000, clock), clock, wall, lambda o: counts.update([o]))


async def test_an_accepted_token_has_an_identity(server, reviewer, counts):
    who = await reviewer.identity(server.knows("t", extra={"k": ["v"]}), "10.0.0.1")
    assert (who.username, who.uid, who.groups, who.first("k"), who.first("j")) == (PROBER, "u", ("g",), "v", "")
    assert who.namespace == "neilats"
    assert server.asked[0]["spec"] == {"token": "t", "audiences": ["neilats", "other"]}
    assert counts == {"authenticated": 1}


async def test_a_rejected_token_is_refused_with_the_servers_reason(server, reviewer, counts):
    with pytest.raises(Unauthenticated, match=r"\(\[invalid bearer token\]\).*audience neilats or other"):
        await reviewer.identity("garbage", "10.0.0.1")
    assert counts == {"rejected": 1}


@pytest.mark.parametrize("audiences", [[], ["kubernetes"]])
async def test_a_token_whose_audience_is_not_confirmed_is_refused(server, reviewer, audiences):
    with pytest.raises(Unauthenticated, match="not made for the audience"):
        await reviewer.identity(server.knows("t", audiences=audiences), "10.0.0.1")


@pytest.mark.parametrize("change", [{"user": None}, {"user": {"username": ""}}, {"authenticated": False}])
async def test_an_answer_without_a_user_is_no_identity(server, reviewer, change):
    server.tokens[server.knows("t")] |= change
    with pytest.raises(Unauthenticated):
        await reviewer.identity("t", "10.0.0.1")


async def test_an_accepted_token_is_asked_for_again_after_five_minutes(server, reviewer, clock):
    token = server.knows("t")
    for seconds in (0, 299, 1):
        clock.forward(seconds)
        await reviewer.identity(token, "10.0.0.1")
    assert len(server.asked) == 2


async def test_a_rejected_token_is_asked_for_again_after_half_a_minute(server, reviewer, clock):
    for seconds in (0, 29, 1):
        clock.forward(seconds)
        with pytest.raises(Unauthenticated):
            await reviewer.identity("t", "10.0.0.1")
    server.knows("t")
    clock.forward(31)
    await reviewer.identity("t", "10.0.0.1")
    assert len(server.asked) == 3


async def test_a_token_is_not_remembered_beyond_its_own_end(server, reviewer, clock, wall):
    token = server.knows(jwt(exp=wall() + 60))
    await reviewer.identity(token, "10.0.0.1")
    del server.tokens[token]
    clock.forward(59)
    await reviewer.identity(token, "10.0.0.1")
    clock.forward(1)
    with pytest.raises(Unauthenticated):
        await reviewer.identity(token, "10.0.0.1")


async def test_while_the_api_server_is_away_a_known_token_goes_on_for_five_minutes(server, reviewer, clock, counts):
    token = server.knows("t")
    await reviewer.identity(token, "10.0.0.1")
    server.failure = DOWN
    clock.forward(599)
    assert (await reviewer.identity(token, "10.0.0.1")).username == PROBER
    assert (await reviewer.identity(token, "10.0.0.1")).username == PROBER
    assert counts == {"authenticated": 1, "failed": 1}  # the next try comes later, not with every report
    clock.forward(1)
    with pytest.raises(NotReady, match="did not answer a token review; try again in a moment"):
        await reviewer.identity(token, "10.0.0.1")


async def test_but_never_beyond_its_own_end(server, reviewer, clock, wall):
    token = server.knows(jwt(exp=wall() + 400))
    await reviewer.identity(token, "10.0.0.1")
    server.failure = DOWN
    clock.forward(399)
    await reviewer.identity(token, "10.0.0.1")
    clock.forward(1)
    with pytest.raises(NotReady):
        await reviewer.identity(token, "10.0.0.1")


async def test_an_unknown_token_waits_while_the_api_server_is_away(server, reviewer, counts, caplog):
    server.failure = DOWN
    for token in ("a", "b"):
        with pytest.raises(NotReady):
            await reviewer.identity(token, "10.0.0.1")
    assert counts == {"failed": 2}
    assert [r.levelname for r in caplog.records] == ["ERROR"]  # said once
    server.failure = None
    assert await reviewer.identity(server.knows("c"), "10.0.0.1")


@pytest.mark.parametrize(
    "raw",
    [b"", b"<html>", b"{}", b'{"status": {"user": {"username": 3}}}', b'{"status": {"error": "\xff"}}', b"[" * 100_000],
)
async def test_an_answer_that_cannot_be_read_is_a_failure(server, reviewer, counts, raw):
    server.raw = raw
    with pytest.raises(NotReady):
        await reviewer.identity("t", "10.0.0.1")
    assert counts == {"failed": 1}


async def test_callers_with_one_token_share_one_review_even_if_the_first_goes_away(server, reviewer):
    server.gate = asyncio.Event()
    token = server.knows("t")
    first, *others = [asyncio.create_task(reviewer.identity(token, "10.0.0.1")) for _ in range(5)]
    await asyncio.sleep(0.01)
    first.cancel()
    server.gate.set()
    assert {who.username for who in await asyncio.gather(*others)} == {PROBER}
    assert len(server.asked) == 1


async def test_a_flood_is_throttled_and_who_is_known_goes_on(server, clock, wall, counts):
    reviewer = TokenReviewer(server, ("neilats",), Budget(1, clock), clock, wall, lambda o: counts.update([o]))
    token = server.knows("t")
    await reviewer.identity(token, "10.0.0.1")
    clock.forward(301)
    flood = [asyncio.create_task(reviewer.identity(f"made-up-{i}", f"10.0.1.{i}")) for i in range(20)]
    await asyncio.sleep(0.01)
    assert (await reviewer.identity(token, "10.0.0.1")).username == PROBER
    results = await asyncio.gather(*flood, return_exceptions=True)
    assert (
        sum(isinstance(r, NotReady) and "too many token reviews" in str(r) for r in results) == counts["throttled"] - 1
    )
    assert counts["throttled"] > 10


async def test_made_up_tokens_do_not_push_out_known_ones(server, reviewer, clock):
    token = server.knows("t")
    await reviewer.identity(token, "10.0.0.1")
    for i in range(5000):
        clock.forward(0.01)
        with pytest.raises(Unauthenticated):
            await reviewer.identity(str(i), "10.0.0.1")
    asked = len(server.asked)
    await reviewer.identity(token, "10.0.0.1")
    assert len(server.asked) == asked
