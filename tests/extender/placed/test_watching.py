"""The watch of all bound pods, against a fake API server through the real client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from extender.cluster.kube import KubeApi
from extender.cluster.live import KubeCluster
from extender.intents import Pod
from extender.placed.table import PATH, SELECTOR
from extender.placed.watching import PlacedPods
from tests.extender.cluster.fake_api import FakeApi, until
from tests.extender.placed.conftest import World, a_placed_pod

PROMISED = {"peer_nodes": "gateway", "max_rtt_ms": "5"}


@pytest.fixture
async def pods(api: KubeApi, world: World) -> AsyncIterator[PlacedPods]:
    cluster = KubeCluster(api)
    made = PlacedPods(cluster, world.gather, world.heard, world.metrics, world.clock, 10.0)
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def names(pods: PlacedPods) -> list[str]:
    return sorted(placed.pod.name for placed in pods.table)


async def test_the_server_leaves_out_pods_without_a_node_and_those_that_ended(fake: FakeApi, pods: PlacedPods) -> None:
    await until(lambda: fake.watching(PATH) == 1)
    assert all(query["fieldSelector"] == SELECTOR for path, query in fake.asked if path == PATH)


async def test_promised_pods_come_and_go(fake: FakeApi, pods: PlacedPods) -> None:
    await fake.put(PATH, a_placed_pod("plain"), a_placed_pod("web", **PROMISED))
    await until(lambda: names(pods) == ["web"])
    await fake.put(PATH, a_placed_pod("api", **PROMISED))
    await until(lambda: names(pods) == ["api", "web"])
    await fake.delete(PATH, "web")
    await until(lambda: names(pods) == ["api"])


async def test_whoever_follows_a_pod_hears_of_its_node_from_this_watch(
    fake: FakeApi, api: KubeApi, world: World
) -> None:
    heard: list[Pod] = []
    cluster = KubeCluster(api)
    cluster.on_bound(heard.append)
    cluster.follow(Pod("shop", "near", "uid-near"))
    made = PlacedPods(cluster, world.gather, world.heard, world.metrics, world.clock, 10.0)
    task = asyncio.create_task(made.run())
    try:
        await until(lambda: fake.watching(PATH) == 1)
        await fake.put(PATH, a_placed_pod("near", peer_nodes="gateway"))  # prefers, with no promise
        await until(lambda: [p.node for p in heard] == ["node-1"])
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_broken_watch_is_counted_and_what_was_missed_is_listed_again(
    fake: FakeApi,
    pods: PlacedPods,
    world: World,
) -> None:
    await fake.put(PATH, a_placed_pod("web", **PROMISED))
    await until(lambda: names(pods) == ["web"] and fake.watching(PATH) == 1)
    await fake.delete(PATH, "web", quiet=True)
    fake.cut(PATH)
    await until(lambda: names(pods) == [], 10)
    restarts = world.metrics.registry.get_sample_value("neilats_extender_watch_restarts_total", {"resource": "placed"})
    assert restarts is not None
    assert restarts >= 1


async def test_until_the_first_list_ends_the_trouble_is_said(fake: FakeApi, pods: PlacedPods) -> None:
    fake.fail_next(PATH, 403, times=1, message="pods is forbidden")
    await until(lambda: "pods is forbidden" in pods._trouble())
    await until(lambda: pods._trouble() == "", 10)
