"""Who may speak: by the settings, the cluster and the lease."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from extender.events.voice import Voice
from extender.intents import Intent
from extender.placed.table import Placed
from neilats.settings import ExtenderSettings
from tests.extender.conftest import Clock
from tests.extender.events.conftest import POD


def leader(counted) -> float:
    return counted.metrics.registry.get_sample_value("neilats_extender_events_leader")


@asynccontextmanager
async def running(voice: Voice) -> AsyncIterator[None]:
    task = asyncio.create_task(voice.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.001)


async def test_without_a_lease_every_replica_speaks(store, counted):
    voice = Voice(ExtenderSettings(), store, counted.metrics, Clock())
    assert voice.announcer.speaks
    assert leader(counted) == 1


async def test_without_events_or_a_cluster_nobody_speaks(store, counted):
    for settings, api in ((ExtenderSettings(events=False), store), (ExtenderSettings(), None)):
        voice = Voice(settings, api, counted.metrics, Clock())
        assert not voice.announcer.speaks
        assert leader(counted) == 0
        async with running(voice):
            await asyncio.sleep(0)
        await voice.close()
    assert store.calls == []


async def test_with_a_lease_its_holder_speaks_until_it_closes(store, counted):
    voice = Voice(ExtenderSettings(events_lease="neilats/neilats-events"), store, counted.metrics, Clock())
    assert not voice.announcer.speaks
    async with running(voice):
        await until(lambda: voice.announcer.speaks)
        assert leader(counted) == 1
    await voice.close()
    assert not voice.announcer.speaks
    (lease,) = store.objects.values()
    assert lease["spec"]["holderIdentity"] == ""


async def test_what_is_announced_is_written(store, counted):
    voice = Voice(ExtenderSettings(), store, counted.metrics, Clock())
    async with running(voice):
        voice.announcer.broken(Placed(POD, "", Intent()), "path to gateway breaks 5 ms", news=True)
        await until(lambda: store.events())
    assert store.events()[0]["reason"] == "LatencyPromiseBroken"


async def test_closing_writes_what_waits_and_drops_what_comes_later(store, counted):
    voice = Voice(ExtenderSettings(), store, counted.metrics, Clock())
    voice.announcer.broken(Placed(POD, "", Intent()), "path to gateway breaks 5 ms", news=True)
    await voice.close()
    assert len(store.events()) == 1
    voice.announcer.broken(Placed(POD, "", Intent()), "path to gateway breaks 5 ms", news=True)
    assert counted["dropped"] == 1
