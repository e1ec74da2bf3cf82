"""A cluster's nodes and peers, from a fake API server through the real client."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from extender.cluster import watches
from extender.cluster.base import Resolution
from extender.cluster.kube import KubeApi
from extender.cluster.listwatch import Timing
from extender.cluster.live import KubeCluster
from extender.intents import Intent, Pod
from extender.selectors import parse_selector
from tests.extender.cluster.fake_api import NODES, PODS, SERVICES, SLICES, FakeApi, endpoints, node, pod, service, until

WEB = Pod("shop", "web", "uid-web", owner="rs-web")
UNBOUND_S = 0.05
DB = Intent(peer_services=(("shop", "db"),))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def cluster(fake: FakeApi, api: KubeApi, clock: Clock) -> AsyncIterator[KubeCluster]:
    await fake.put(NODES, node("a", "10.0.0.1"), node("b", "10.0.0.2"))
    restarts: list[tuple[str, str]] = []
    made = KubeCluster(
        api,
        clock=clock,
        on_restart=lambda kind, reason: restarts.append((kind, reason)),
        timing=Timing(watch_s=20, pause_s=0.02),
        unbound_s=UNBOUND_S,
    )
    await made.start()
    await until(lambda: made.synced)
    yield made
    await made.close()


async def test_nodes_come_and_go(fake: FakeApi, cluster: KubeCluster) -> None:
    assert set(cluster.nodes) == {"a", "b"}
    before = cluster.nodes_version
    await fake.put(NODES, node("c", "10.0.0.3"))
    await until(lambda: "c" in cluster.nodes)
    await fake.delete(NODES, "a")
    await until(lambda: "a" not in cluster.nodes)
    assert cluster.nodes["c"].addresses == ("10.0.0.3",)
    assert cluster.nodes_version > before


async def test_before_the_first_list_nothing_is_known(api: KubeApi) -> None:
    cluster = KubeCluster(api)
    assert (dict(cluster.nodes), cluster.nodes_version, cluster.synced) == ({}, 0, False)
    assert cluster.resolve(Intent(peer_nodes=("a",)), WEB) == Resolution(pending="nodes")


async def test_named_nodes_resolve_at_once_and_unknown_ones_are_said(cluster: KubeCluster) -> None:
    assert cluster.resolve(Intent(peer_nodes=("b", "z")), WEB) == Resolution(
        ("b",), (1.0,), unresolved="node z does not exist"
    )


async def test_a_service_is_pending_until_its_namespace_is_known(fake: FakeApi, cluster: KubeCluster) -> None:
    await fake.put(SERVICES, service("db"))
    await fake.put(SLICES, endpoints("db-1", "db", "a", "a", "a", "b"))
    assert cluster.resolve(DB, WEB).pending == "services of namespace shop, endpointslices of namespace shop"
    assert await cluster.wait_resolved(DB, WEB, 5) == Resolution(("a", "b"), (0.75, 0.25))
    assert cluster.resolve(DB, WEB) == Resolution(("a", "b"), (0.75, 0.25))
    assert fake.lists(SERVICES) == fake.lists(SLICES) == 1


async def test_waiting_ends_in_time_and_says_what_is_wrong(fake: FakeApi, cluster: KubeCluster) -> None:
    fake.fail_next(SLICES, 403, times=99, message="endpointslices is forbidden")
    began = asyncio.get_running_loop().time()
    found = await cluster.wait_resolved(DB, WEB, 0.5)  # long enough for a refusal to come on a busy machine
    assert 0.49 < asyncio.get_running_loop().time() - began < 5
    assert found.pending == "endpointslices of namespace shop (403 endpointslices is forbidden)"


async def test_a_watch_that_has_failed_is_not_waited_for(fake: FakeApi, cluster: KubeCluster) -> None:
    fake.fail_next(SLICES, 403, times=999, message="forbidden")
    await cluster.wait_resolved(DB, WEB, 0.5)
    async with asyncio.timeout(5):
        assert "forbidden" in (await cluster.wait_resolved(DB, WEB, 20)).pending


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none", "service shop/none does not exist"),
        ("alias", "service shop/alias is an ExternalName and has no endpoints"),
        ("idle", "service shop/idle has no ready endpoints"),
        ("outside", "service shop/outside has no endpoint that names its node"),
    ],
)
async def test_a_service_that_leads_nowhere_says_why(
    fake: FakeApi, cluster: KubeCluster, name: str, reason: str
) -> None:
    await fake.put(SERVICES, service("idle"), service("alias", "ExternalName"), service("outside"))
    await fake.put(SLICES, endpoints("idle-1", "idle", "a", ready=False), endpoints("outside-1", "outside", None))
    found = await cluster.wait_resolved(Intent(peer_services=(("shop", name),)), WEB, 5)
    assert found == Resolution(unresolved=reason)


async def test_peers_that_match_a_selector_follow_the_pods(fake: FakeApi, cluster: KubeCluster) -> None:
    intent = Intent(peer_pods=parse_selector("app=db"))
    await fake.put(PODS, pod("mine", "b", labels={"app": "db"}, owner="rs-web"))
    assert (await cluster.wait_resolved(intent, WEB, 5)).unresolved == "no running pod matches app=db"
    await fake.put(PODS, pod("db-1", "a", labels={"app": "db"}))
    await until(lambda: cluster.resolve(intent, WEB) == Resolution(("a",), (1.0,)))
    await fake.delete(PODS, "db-1")
    await until(lambda: not cluster.resolve(intent, WEB).nodes)


async def test_every_peer_weighs_the_same_however_many_endpoints_it_has(fake: FakeApi, cluster: KubeCluster) -> None:
    await fake.put(SERVICES, service("db"), service("cache"))
    await fake.put(SLICES, endpoints("db-1", "db", "a", "a", "a", "b"), endpoints("cache-1", "cache", "b"))
    intent = Intent(peer_nodes=("a",), peer_services=(("shop", "db"), ("shop", "cache"), ("shop", "z")))
    found = await cluster.wait_resolved(intent, WEB, 5)
    assert found == Resolution(("a", "b"), (1.75, 1.25), unresolved="service shop/z does not exist")


async def test_a_followed_pod_is_reported_when_another_watch_shows_its_node(
    fake: FakeApi, cluster: KubeCluster, clock: Clock
) -> None:
    heard: list[Pod] = []
    cluster.on_bound(heard.append)
    cluster.follow(WEB)
    cluster.saw(Pod("shop", "web", "uid-web", node="b"))
    assert [(p.name, p.node) for p in heard] == [("web", "b")]
    clock.now += UNBOUND_S
    await asyncio.sleep(2 * UNBOUND_S)
    assert fake.lists(PODS) == 0


async def test_a_followed_pod_that_waits_for_a_node_has_its_namespace_watched(
    fake: FakeApi, cluster: KubeCluster, clock: Clock
) -> None:
    heard: list[Pod] = []
    cluster.on_bound(heard.append)
    await fake.put(PODS, pod("web"))
    cluster.follow(WEB)
    await asyncio.sleep(2 * UNBOUND_S)
    assert fake.lists(PODS) == 0
    clock.now += UNBOUND_S / 2
    cluster.follow(WEB)  # another attempt: it has waited since the first
    clock.now += UNBOUND_S / 2
    await until(lambda: fake.watching(PODS) == 1)
    await fake.put(PODS, pod("web", "b"))
    await until(lambda: [(p.name, p.node) for p in heard] == [("web", "b")])


async def test_a_followed_pod_that_does_not_exist_any_more_is_reported_as_deleted(
    cluster: KubeCluster, clock: Clock
) -> None:
    heard: list[Pod] = []
    cluster.on_bound(heard.append)
    cluster.follow(WEB)
    clock.now += UNBOUND_S
    await until(lambda: [p.deleted for p in heard] == [True])


async def test_a_pod_followed_while_its_namespace_is_listed_is_alive(
    fake: FakeApi, cluster: KubeCluster, clock: Clock
) -> None:
    heard: list[Pod] = []
    cluster.on_bound(heard.append)
    fake.list_delay_s = 0.2
    cluster.follow(Pod("shop", "other", "uid-other"))
    clock.now += UNBOUND_S
    await until(lambda: fake.lists(PODS) == 1)
    await fake.put(PODS, pod("web"))
    cluster.follow(WEB)
    await until(lambda: fake.watching(PODS) == 1)
    assert [p.name for p in heard] == ["other"]
    await fake.put(PODS, pod("web", "b"))
    await until(lambda: [(p.name, p.node) for p in heard[1:]] == [("web", "b")])


async def test_annotating_merges_and_tells_apart_a_successor(fake: FakeApi, cluster: KubeCluster) -> None:
    assert await cluster.annotate("shop", "web", {"neilats.io/retry-at": "1"}, uid="u1")
    assert fake.patches[0][2] == {"metadata": {"annotations": {"neilats.io/retry-at": "1"}, "uid": "u1"}}
    for status in (404, 409, 500):
        fake.fail_next(f"{PODS}/web", status)
        assert not await cluster.annotate("shop", "web", {"neilats.io/retry-at": "1"})


async def test_a_name_cannot_lead_to_another_path(fake: FakeApi, cluster: KubeCluster) -> None:
    await cluster.annotate("shop/../x", "a?b", {})
    assert fake.patches[0][0] == "/api/v1/namespaces/shop%2F..%2Fx/pods/a%3Fb"


# -- which watches run ------------------------------------------------------------------------------------------


async def test_a_watch_that_nobody_needs_any_more_is_stopped(cluster: KubeCluster, clock: Clock) -> None:
    cluster.resolve(DB, WEB)
    cluster.resolve(Intent(peer_pods=parse_selector("app")), WEB)
    assert len(cluster._watches) == 4
    clock.now = watches.IDLE_S - 1
    cluster.resolve(DB, WEB)
    clock.now = watches.IDLE_S + 1
    await cluster._watches.sweep()
    assert len(cluster._watches) == 3
    clock.now = 3 * watches.IDLE_S
    await cluster._watches.sweep()
    assert len(cluster._watches) == 1


async def test_the_longest_unneeded_watch_makes_room(cluster: KubeCluster, clock: Clock) -> None:
    for i in range(watches.MAX_WATCHES + 50):
        clock.now += 1
        cluster.resolve(Intent(peer_pods=parse_selector("app")), Pod(f"ns-{i}", "p"))
    assert len(cluster._watches) == watches.MAX_WATCHES
    assert cluster.synced


async def test_a_watch_that_was_needed_just_now_stays(cluster: KubeCluster, clock: Clock) -> None:
    by_pods = Intent(peer_pods=parse_selector("app"))
    for i in range(watches.MAX_WATCHES):
        cluster.resolve(by_pods, Pod(f"ns-{i}", "p"))
    clock.now = watches.KEEP_S - 1
    assert cluster.resolve(by_pods, WEB).unresolved == "pods app: too many namespaces are watched (256 watches)"
    found = await cluster.wait_resolved(DB, WEB, 5)
    assert found == Resolution(unresolved="service shop/db: too many namespaces are watched (256 watches)")
    clock.now = watches.KEEP_S
    assert cluster.resolve(by_pods, WEB).pending == "pods of namespace shop"
    assert len(cluster._watches) == watches.MAX_WATCHES


async def test_what_is_needed_in_the_background_makes_room_for_others_and_takes_none(
    cluster: KubeCluster, clock: Clock
) -> None:
    by_pods = Intent(peer_pods=parse_selector("app"))
    for i in range(watches.MAX_WATCHES - 1):
        cluster.resolve(by_pods, Pod(f"ns-{i}", "p"), background=True)
    too_many = "pods app: too many namespaces are watched (256 watches)"
    assert cluster.resolve(by_pods, WEB, background=True).unresolved == too_many
    assert cluster.resolve(by_pods, WEB).pending == "pods of namespace shop"
    assert len(cluster._watches) == watches.MAX_WATCHES


async def test_what_is_needed_in_the_background_is_not_stopped(cluster: KubeCluster, clock: Clock) -> None:
    for _ in range(5):
        cluster.resolve(DB, WEB, background=True)
        clock.now += watches.IDLE_S / 2
        await cluster._watches.sweep()
    assert len(cluster._watches) == 3
