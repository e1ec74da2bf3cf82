"""A connection of the lane: its requests one after the other, and its end."""

import asyncio
import re

import pytest

from extender.http import LARGE
from tests.extender.lanework import MOST, Verbs, Wire, go, rest, runner_of, spoken


@pytest.mark.parametrize("body", [b"{}", b"large", b"bad", b"bug", b"soon", b"soon bad", b"x" * (LARGE + 5)])
async def test_what_gos_client_sends_never_gets_to_the_framework(body):
    verbs, seen = Verbs(), []
    wire = Wire(verbs.lane.before(lambda: pytest.fail("not in the lane"), seen.append, 60.0)())
    for _ in range(2):
        stream = go(body)
        for at in range(0, len(stream), 100_000):
            wire.protocol.data_received(stream[at : at + 100_000])
        await rest()
    assert wire.answers() == (await spoken([go(body), go(body)], lane=False))[0]
    assert seen == [wire, wire]
    assert verbs.requests(200) + verbs.requests(400) + verbs.requests(500) == 2
    assert verbs.count("ok") + verbs.count("waited") + verbs.count("error") == 2


async def test_after_an_unusual_request_the_framework_has_the_connection_for_good():
    verbs = Verbs()
    runner = await runner_of(verbs)
    wire = Wire(verbs.lane.before(runner.server, lambda transport: None, 60.0)())
    wire.protocol.data_received(go())
    assert len(verbs.lane) == 1
    wire.protocol.data_received(b"GET /scheduler/filter HTTP/1.1\r\nHost: x\r\n\r\n")
    assert len(verbs.lane) == 0
    wire.protocol.data_received(go())
    await rest()
    assert re.findall(rb"HTTP/1.1 (\d+)", wire.written) == [b"200", b"405", b"200"]
    await runner.cleanup()


async def test_a_body_above_the_limit_is_refused_by_the_framework():
    said, _ = await spoken([go(b"", length=MOST + 1)], lane=True)
    assert said[0][0].startswith(b"HTTP/1.1 413 ")


async def test_requests_that_come_too_early_wait_for_the_answer_before_them():
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 60.0)())
    wire.protocol.data_received(go(b"wait") + go(b"bad")[:40])
    wire.protocol.data_received(go(b"bad")[40:])
    await rest()
    assert wire.written == b""
    assert not wire.reading
    verbs.go_on.set()
    await rest()
    assert re.findall(rb"HTTP/1.1 (\d+)", wire.written) == [b"200", b"400"]
    assert wire.reading


@pytest.mark.parametrize("ends", ["answered", "aborted"])
async def test_others_wait_from_the_moment_at_which_a_call_came_until_it_has_ended(ends):
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 60.0)())
    wire.protocol.data_received(go(b"soon"))
    assert verbs.first.left_s > 0  # its task has not begun yet
    if ends == "aborted":
        wire.protocol.abort()
    await rest()
    assert verbs.first.left_s == 0


async def test_what_waits_behind_an_answer_is_not_begun_once_the_lane_closes():
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 60.0)())
    wire.protocol.data_received(go() + b"GET / HTTP/1.1\r\n\r\n")
    await verbs.lane.close(1.0)
    assert wire.closed
    assert wire.written.count(b"HTTP/1.1") == 1


async def test_a_caller_that_does_not_read_its_answer_gets_no_other():
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 60.0)())
    wire.protocol.pause_writing()
    wire.protocol.data_received(go() + go())
    await rest()
    assert wire.written.count(b"HTTP/1.1") == 1
    wire.protocol.resume_writing()
    await rest()
    assert wire.written.count(b"HTTP/1.1") == 2


async def test_a_connection_that_is_lost_amid_a_body_counts_as_an_error():
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 60.0)())
    wire.protocol.data_received(go(b"abc", length=10))
    wire.close()
    await rest()
    assert (verbs.count("error"), len(verbs.lane)) == (1, 0)


async def test_what_is_decided_for_a_lost_connection_is_counted_and_not_written():
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 60.0)())
    wire.protocol.data_received(go(b"wait"))
    wire.close()
    await rest()
    assert len(verbs.lane) == 1
    verbs.go_on.set()
    await rest()
    assert (verbs.count("waited"), len(verbs.lane), wire.written) == (1, 0, b"")


@pytest.mark.parametrize("sent", [b"", go(), go() + b"POST /sch"])
async def test_a_connection_on_which_nothing_is_asked_is_closed(sent):
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 0.02)())
    if sent:
        wire.protocol.data_received(sent)
    while not wire.closed:
        await asyncio.sleep(0.005)
    await rest()
    assert len(verbs.lane) == 0


async def test_a_connection_is_not_closed_while_its_call_is_decided():
    verbs = Verbs()
    wire = Wire(verbs.lane.before(None, lambda transport: None, 0.01)())
    wire.protocol.data_received(go(b"wait"))
    await asyncio.sleep(0.05)
    assert not wire.closed
    verbs.go_on.set()
    await rest()
    assert wire.said().startswith(b"HTTP/1.1 200 OK")
