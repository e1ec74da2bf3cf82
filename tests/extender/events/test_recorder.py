"""Events on their way to the API server: limited, aggregated, and given up where they cannot be written."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace

import pytest

from extender.cluster.api import ApiError
from extender.events import recorder as recording
from extender.events.line import GIVING_WAY
from extender.events.recorder import EventRecorder
from extender.pods import Pod
from tests.extender.conftest import Clock
from tests.extender.events.conftest import an_event


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def recorder(store, counted, clock, wall):
    return EventRecorder(store, counted.metrics, clock, wall, "one", pace_s=0, pauses_s=(0, 0))


def another(store, counted, clock, wall):
    """A replica, or the same one after a restart."""
    return EventRecorder(store, counted.metrics, clock, wall, "two", pace_s=0, pauses_s=(0, 0))


async def test_telling_writes_nothing_yet(recorder, store):
    recorder.tell(an_event())
    assert store.calls == []
    await recorder.drain()
    assert [e["message"] for e in store.events()] == ["path to gateway breaks 5 ms"]


async def test_what_is_told_is_written_by_the_running_task(recorder, store):
    recorder.tell(an_event())
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            running = asyncio.create_task(recorder.run())
            while not store.events():
                await asyncio.sleep(0)
    running.cancel()
    assert len(store.events()) == 1


async def test_a_repetition_counts_on_in_the_event_that_is_there(recorder, store, counted, wall):
    for text in ("first", "second", "third"):
        recorder.tell(an_event(text))
        await recorder.drain()
        wall.forward(60)
    (event,) = store.events()
    assert (event["count"], event["message"]) == (3, "third")
    assert (event["firstTimestamp"], event["lastTimestamp"]) == ("2023-11-14T22:13:20Z", "2023-11-14T22:15:20Z")
    assert (counted["sent"], counted["aggregated"]) == (1, 2)


async def test_another_replica_counts_on_where_the_first_ended(recorder, store, counted, clock, wall):
    for _ in range(2):
        recorder.tell(an_event())
    await recorder.drain()
    other = another(store, counted, clock, wall)
    other.tell(an_event())
    await other.drain()
    assert [e["count"] for e in store.events()] == [3]


async def test_replicas_that_take_turns_count_on_and_never_back(recorder, store, counted, clock, wall):
    other = another(store, counted, clock, wall)
    for each in (recorder, other, other, recorder, other):
        await each.write(an_event())
    assert [e["count"] for e in store.events()] == [5]


async def test_a_repetition_of_what_another_replica_told_before_counts_on_also_after_one_that_was_left(
    recorder, store, counted, clock, wall
):
    for _ in range(7):
        await recorder.write(an_event())
    other = another(store, counted, clock, wall)
    await other.write(an_event(once=True))
    assert [e["count"] for e in store.events()] == [7]
    await other.write(an_event())
    assert [e["count"] for e in store.events()] == [8]
    assert [method for method, _ in store.calls[-3:]] == ["POST", "GET", "PATCH"]


@pytest.mark.parametrize("count", [None, "many", -3])
async def test_a_stored_count_that_makes_no_sense_is_taken_as_one(recorder, store, count):
    await recorder.write(an_event())
    store.events()[0]["count"] = count
    await recorder.write(an_event())
    assert [e["count"] for e in store.events()] == [2]


async def test_what_is_there_already_is_not_created_again(recorder, store):
    for _ in range(2):
        await recorder.write(an_event())
    assert [method for method, _ in store.calls] == ["POST", "GET", "PATCH"]


async def test_a_repetition_that_is_refused_is_given_up_and_makes_no_second_event(recorder, store, counted):
    await recorder.write(an_event())
    store.faults = [ApiError.of_status(403, "events is forbidden")]
    await recorder.write(an_event())
    assert (counted["sent"], counted["failed"]) == (1, 1)
    assert [method for method, _ in store.calls] == ["POST", "GET"]


async def test_what_is_told_once_is_left_as_it_is_also_by_another_replica(recorder, store, counted, clock, wall):
    for each in (recorder, recorder, another(store, counted, clock, wall)):
        each.tell(an_event(once=True))
        await each.drain()
    (event,) = store.events()
    assert event["count"] == 1


async def test_an_event_that_the_server_has_forgotten_is_made_anew(recorder, store, counted):
    recorder.tell(an_event())
    await recorder.drain()
    store.objects.clear()
    recorder.tell(an_event())
    await recorder.drain()
    assert [e["count"] for e in store.events()] == [1]
    assert counted["sent"] == 2


async def test_one_pod_may_speak_five_times_at_once_and_then_every_two_minutes(recorder, store, counted, clock):
    for _ in range(8):
        recorder.tell(an_event())
    assert counted["dropped"] == 3
    recorder.tell(an_event(pod=Pod("shop", "other", "uid-other")))
    assert counted["dropped"] == 3
    clock.forward(120)
    recorder.tell(an_event())
    recorder.tell(an_event())
    assert counted["dropped"] == 4


async def test_a_full_queue_drops_and_counts(recorder, counted):
    for i in range(recording.QUEUED + 7):
        recorder.tell(an_event(pod=Pod("shop", f"p{i}", f"u{i}")))
    assert counted["dropped"] == 7


def placements(count, begin=0):
    pods = (Pod("shop", f"p{i}", f"u{i}") for i in range(begin, begin + count))
    return [an_event("on node-1", "LatencyPlacement", pod=pod) for pod in pods]


async def test_a_warning_takes_a_placements_place_in_a_full_queue(recorder, store, counted):
    for event in placements(GIVING_WAY + 1):
        recorder.tell(event)
    assert counted["dropped"] == 1
    for i in range(recording.QUEUED - GIVING_WAY + 1):
        recorder.tell(an_event(pod=Pod("shop", f"other-{i}", f"uid-{i}")))
    assert counted["dropped"] == 2
    await recorder.drain()
    assert store.events()[0]["reason"] == "LatencyPromiseBroken"
    assert counted["sent"] == recording.QUEUED


async def test_what_finds_no_room_is_not_composed(recorder):
    composed = []
    for event in placements(GIVING_WAY):
        recorder.tell(event)
    (late,) = placements(1, GIVING_WAY)
    recorder.tell(replace(late, message=lambda: composed.append(1) or "on node-1"))
    assert composed == []


async def test_what_is_written_later_says_what_was_so_when_it_was_told(recorder, store):
    said = ["on node-1"]
    (event,) = placements(1)
    recorder.tell(replace(event, message=lambda: said[0]))
    said[0] = "on node-2"
    await recorder.drain()
    assert [e["message"] for e in store.events()] == ["on node-1"]


async def test_many_placements_are_written_slowly_and_warnings_are_not(recorder, clock):
    assert [recorder._pause_s(event) for event in placements(recording.BURST + 2)] == [0.0] * recording.BURST + [
        recording.REFILL_S
    ] * 2
    assert recorder._pause_s(an_event()) == 0.0
    clock.forward(recording.REFILL_S)
    assert [recorder._pause_s(event) for event in placements(2)] == [0.0, recording.REFILL_S]


async def test_a_server_that_has_no_time_is_asked_again(recorder, store, counted):
    store.faults = [ApiError.of_status(503, "busy"), ApiError("disconnected", "reset")]
    recorder.tell(an_event())
    await recorder.drain()
    assert (counted["sent"], counted["failed"]) == (1, 0)


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (ApiError.of_status(403, "events is forbidden"), 1),
        (ApiError.of_status(404, "namespace not found"), 1),
        (ApiError("disconnected", "refused"), 3),
    ],
)
async def test_what_cannot_be_written_is_given_up_and_counted(recorder, store, counted, error, tries):
    store.down = error
    recorder.tell(an_event())
    await recorder.drain()
    assert (len(store.calls), counted["failed"]) == (tries, 1)


async def test_failures_are_logged_once_a_minute(recorder, store, clock, caplog):
    store.down = ApiError.of_status(403, "events is forbidden")
    with caplog.at_level(logging.WARNING):
        for i in range(6):
            recorder.tell(an_event(pod=Pod("shop", f"p{i}", f"u{i}")))
            await recorder.drain()
            clock.forward(20)
    assert sum("event not written" in r.message for r in caplog.records) == 2


async def test_an_unexpected_fault_does_not_end_the_recorder(recorder, store, counted):
    store.faults = [RuntimeError("odd")]
    recorder.tell(an_event())
    recorder.tell(an_event())
    await recorder.drain()
    assert (counted["failed"], counted["sent"]) == (1, 1)


async def test_a_pod_without_uid_cannot_be_told_anything(recorder, store):
    recorder.tell(an_event(pod=Pod("shop", "web")))
    await recorder.drain()
    assert store.calls == []


@pytest.mark.parametrize("once", [False, True])
async def test_memory_of_what_is_stored_is_bounded(recorder, store, once):
    if once:
        store.down = ApiError.of_status(409, "already exists")
    for i in range(recording.KNOWN + 3):
        await recorder.write(an_event(pod=Pod("shop", f"p{i}", f"u{i}"), once=once))
    assert len(recorder._stored) == recording.KNOWN


async def test_what_is_told_again_and_again_is_not_forgotten(recorder):
    for i in range(recording.KNOWN + 3):
        for name in ("often", f"p{i}"):
            recorder._remember(an_event(pod=Pod("shop", name, f"u-{name}")))
    assert an_event(pod=Pod("shop", "often", "u-often")).name in recorder._stored


async def test_in_the_end_what_waits_is_written_also_beside_the_running_task(store, counted, clock, wall):
    recorder = EventRecorder(store, counted.metrics, clock, wall, "one", pace_s=3600)
    for i in range(100):
        recorder.tell(an_event(pod=Pod("shop", f"p{i}", f"u{i}")))
    running = asyncio.create_task(recorder.run())
    await asyncio.sleep(0)
    await recorder.finish(5.0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (len(store.events()), counted["sent"], counted["dropped"]) == (100, 100, 0)


async def test_in_the_end_what_takes_too_long_is_dropped_and_counted(store, counted, clock, wall):
    async def silent(path, body):
        await asyncio.Event().wait()

    store.post = silent
    recorder = EventRecorder(store, counted.metrics, clock, wall, "one")
    for i in range(100):
        recorder.tell(an_event(pod=Pod("shop", f"p{i}", f"u{i}")))
    running = asyncio.create_task(recorder.run())
    await asyncio.sleep(0)
    await recorder.finish(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert counted["dropped"] == 100
