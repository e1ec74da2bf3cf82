"""Who makes a peer hot: pods at each verb, refused pods that wait, questions, and placed pods' promises."""

import pytest

from extender.cluster.base import Resolution
from extender.probing import HOT_S
from tests.extender.conftest import a_pod
from tests.extender.probing.village import names_of

NODES = tuple(names_of(40))
PEER = "node-7"
LARGE = {"mesh_nodes": 10, "probe_neighbours": 2, "probe_budget": 8}


@pytest.fixture
async def large(make_bench):
    """A cluster that is too large for a mesh, by its settings."""
    return await make_bench(NODES, **LARGE)


async def told(bench):
    """Who is told to measure the peer."""
    found = set()
    for _ in range(2):  # by the second report all addresses are known
        for name in NODES:
            i = int(name[5:])
            response = await bench.report(name, {}, addresses={"ipv4": f"10.0.0.{i}"})
            targets = (await response.json())["targets"]
            assert len(targets) <= LARGE["probe_budget"]
            found |= {name for t in targets if t["node"] == PEER}
    return found


async def test_without_any_pod_only_neighbours_measure_a_node(large):
    assert len(await told(large)) <= 2


@pytest.mark.parametrize("verb", ["filter", "prioritize"])
async def test_a_pods_peer_is_measured_by_all_nodes(large, verb):
    await large.ask(verb, a_pod(peer_nodes=PEER, max_rtt_ms="5", mode="require"), NODES)
    assert await told(large) == set(NODES) - {PEER}


async def test_a_pod_that_only_prefers_makes_its_peer_hot_too(large):
    await large.ask("prioritize", a_pod(peer_nodes=PEER, max_rtt_ms="5"), NODES)
    assert await told(large) == set(NODES) - {PEER}


async def test_only_pods_that_require_have_single_paths_measured_at_once(large, clock):
    await told(large)
    wanted = large.extender.decider._probing.wanted
    await large.ask("prioritize", a_pod("first", peer_nodes=PEER, max_rtt_ms="5"), NODES)
    clock.forward(HOT_S)  # the first burst towards a new peer is over, and nothing came
    await large.ask("prioritize", a_pod("second", peer_nodes=PEER, max_rtt_ms="5"), NODES)
    assert len(wanted) == 0
    await large.ask("prioritize", a_pod("third", peer_nodes=PEER, max_rtt_ms="5", mode="require"), NODES)
    assert len(wanted) == len(NODES) - 1


async def test_a_pod_without_an_intent_asks_for_nothing(large):
    await large.ask("prioritize", a_pod(), NODES)
    assert len(await told(large)) <= 2


async def test_a_refused_pod_that_waits_keeps_its_peer_hot(large, clock):
    pod = a_pod(peer_nodes=PEER, max_rtt_ms="5", mode="require")
    await large.ask("filter", pod, NODES)
    for _ in range(3):
        clock.forward(1000)
        await large.extender.waker.look()
    assert PEER in large.extender.decider._probing.hot


async def test_a_question_about_a_peer_makes_it_hot(large):
    response = await large.api.post("/v1/scores", json={"peer": PEER})
    assert response.status == 200
    assert await told(large) == set(NODES) - {PEER}


async def test_a_placed_pods_path_is_measured_from_its_node(large):
    before = await told(large)
    keeper = large.extender.placed.keeper
    source = next(n for n in NODES if n not in before and n != PEER)
    raw = a_pod(peer_nodes=PEER, max_rtt_ms="5") | {"spec": {"nodeName": source}, "status": {"phase": "Running"}}
    large.extender.placed.table.put(raw)
    await keeper.look()
    assert await told(large) == before | {source}


async def test_all_nodes_of_a_service_are_hot(large):
    large.extender.decider.asked(Resolution(("node-3", "node-4"), (0.5, 0.5)).nodes)
    assert {"node-3", "node-4"} <= set(large.extender.decider._probing.hot.fixed)
