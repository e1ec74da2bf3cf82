"""One of several replicas holds the lease."""

import asyncio

import pytest

from extender.cluster.api import ApiError
from extender.events.lease import Lease
from tests.extender.conftest import Clock

PATH = "/apis/coordination.k8s.io/v1/namespaces/neilats/leases/neilats-events"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(store, clock, wall):
    def made(identity, its_clock=None):
        return Lease(store, "neilats", "neilats-events", identity, its_clock or clock, wall)

    return made


async def test_the_first_one_takes_it_and_the_second_does_not(make, store):
    one, two = make("one"), make("two")
    for lease in (one, two):
        await lease.attempt()
    assert (one.held, two.held) == (True, False)
    assert store.objects[PATH]["spec"]["holderIdentity"] == "one"
    assert store.objects[PATH]["spec"]["leaseDurationSeconds"] == 15


async def test_a_holder_that_renews_keeps_it(make, store, clock, wall):
    one, two = make("one"), make("two")
    for _ in range(20):
        await one.attempt()
        await two.attempt()
        clock.forward(5)
        wall.forward(5)
    assert (one.held, two.held) == (True, False)
    assert store.objects[PATH]["spec"]["leaseTransitions"] == 1


async def test_a_lease_that_is_not_renewed_goes_to_another_after_its_duration(make, clock):
    one, two = make("one"), make("two")
    await one.attempt()
    await two.attempt()
    clock.forward(14)
    await two.attempt()
    assert not two.held
    clock.forward(1)
    await two.attempt()
    assert (one.held, two.held) == (False, True)
    await one.attempt()
    assert not one.held


async def test_another_machines_wall_clock_is_not_trusted(make, store, wall):
    one, two = make("one"), make("two")
    await one.attempt()
    wall.forward(3600)
    await two.attempt()
    assert not two.held


async def test_a_holder_without_a_connection_falls_silent_before_others_may_take_it(make, store, clock):
    one = make("one")
    await one.attempt()
    store.down = ApiError("disconnected", "refused")
    clock.forward(9)
    await one.attempt()
    assert one.held
    clock.forward(1)
    await one.attempt()
    assert not one.held


async def test_of_two_that_try_at_the_same_time_one_wins(make, store, clock):
    await make("gone").attempt()
    one, two = make("one"), make("two")
    for lease in (one, two):
        await lease.attempt()
    clock.forward(15)
    await one.attempt()
    # The other has read what was there before.
    two._observe = lambda lease: None
    await two.attempt()
    assert (one.held, two.held) == (True, False)


async def test_a_lease_given_back_is_taken_at_once(make, store):
    one, two = make("one"), make("two")
    await one.attempt()
    await one.close()
    assert not one.held
    await two.attempt()
    assert two.held


async def test_only_the_holder_gives_it_back(make, store):
    one, two = make("one"), make("two")
    for lease in (one, two):
        await lease.attempt()
    await two.close()
    assert store.objects[PATH]["spec"]["holderIdentity"] == "one"


async def test_a_failure_while_giving_it_back_is_no_failure_of_the_service(make, store):
    one = make("one")
    await one.attempt()
    store.down = ApiError("disconnected", "refused")
    await one.close()


async def test_a_deleted_lease_is_made_anew(make, store):
    one = make("one")
    await one.attempt()
    store.objects.clear()
    await one.attempt()
    assert store.objects[PATH]["spec"]["holderIdentity"] == "one"


async def test_what_others_wrote_into_its_metadata_stays(make, store):
    body = {"kind": "Lease", "metadata": {"name": "neilats-events", "labels": {"app": "neilats"}}, "spec": {}}
    await store.post(PATH.rpartition("/")[0], body)
    one = make("one")
    await one.attempt()
    assert one.held
    assert store.objects[PATH]["metadata"]["labels"] == {"app": "neilats"}


@pytest.mark.parametrize("error", [ApiError.of_status(403, "leases is forbidden"), ApiError("silent", "no answer")])
async def test_without_access_nobody_holds_it_and_the_problem_is_logged_once(make, store, caplog, error):
    store.down = error
    one = make("one")
    for _ in range(5):
        await one.attempt()
    assert not one.held
    assert sum("cannot take or renew" in r.message for r in caplog.records) == 1


@pytest.mark.parametrize("raw", [b"", b"{", b'{"spec": {"holderIdentity": "\xff"}}', b"[" * 100_000])
async def test_an_answer_that_cannot_be_decoded_is_a_problem_like_others(make, store, caplog, raw):
    async def get(path, params):
        return raw

    store.get = get
    one = make("one")
    for _ in range(2):
        await one.attempt()
    assert not one.held
    assert sum("cannot take or renew" in r.message for r in caplog.records) == 1


async def test_an_unexpected_fault_does_not_end_the_attempts(make, store, caplog):
    store.faults = [RuntimeError("odd")]
    one = make("one")
    running = asyncio.create_task(one.run())
    async with asyncio.timeout(5):
        while not caplog.records:
            await asyncio.sleep(0.001)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_renewal_counts_from_when_it_began(make, store, clock):
    real = store.put

    async def slow(path, body):
        clock.forward(4)
        return await real(path, body)

    one = make("one")
    await one.attempt()
    store.put = slow
    await one.attempt()
    clock.forward(5)
    assert one.held
    clock.forward(1)
    assert not one.held


async def test_a_holder_whose_renewal_meets_another_writer_falls_silent_at_once(make, store):
    one = make("one")
    await one.attempt()

    async def conflict(path, body):
        raise ApiError.of_status(409, "the object has been modified")

    store.put = conflict
    await one.attempt()
    assert not one.held


async def test_an_attempt_under_way_does_not_take_back_what_closing_gives_away(make, store):
    one, gate, real = make("one"), asyncio.Event(), store.put

    async def slow(path, body):
        await gate.wait()
        return await real(path, body)

    await one.attempt()
    store.put = slow
    attempt, close = asyncio.create_task(one.attempt()), asyncio.create_task(one.close())
    await asyncio.sleep(0.01)
    assert not one.held
    gate.set()
    await asyncio.gather(attempt, close)
    await one.attempt()
    assert store.objects[PATH]["spec"]["holderIdentity"] == ""
    assert not one.held
