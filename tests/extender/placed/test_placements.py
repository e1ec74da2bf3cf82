"""`GET /v1/placements`."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from extender.http import observe
from extender.placed import placements
from extender.placed.placements import Placements
from tests.extender.placed.conftest import a_placed_pod


@pytest.fixture
async def client(world: Any, aiohttp_client: Any) -> Any:
    for i, node in enumerate(("node-1", "node-2")):
        world.table.put(a_placed_pod(f"web-{i}", node, peer_nodes="gateway", max_rtt_ms="5"))
    world.measured("node-1", "gateway", *[3.1] * 10)
    await world.looks()
    world.trouble = ""
    app = web.Application(middlewares=[observe(world.metrics)])
    app.add_routes(Placements(world.keeper, lambda: world.trouble, world.clock).routes())
    return await aiohttp_client(app)


async def test_each_placed_pod_is_shown_with_its_state(client, world):
    world.clock.forward(7)
    reply = await client.get("/v1/placements?pod=web-0&namespace=shop")
    assert (await reply.json())["pods"] == [
        {
            "namespace": "shop",
            "pod": "web-0",
            "uid": "uid-web-0",
            "node": "node-1",
            "scheduler": "neilats-scheduler",
            "state": "kept",
            "since_s": 7.0,
            "peers": ["gateway"],
            "max_rtt_ms": 5.0,
            "reason": "path to gateway keeps 5 ms: 10 of 10 recent samples within (median 3.1 ms)",
        }
    ]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["web-0", "web-1"]),
        ("?state=unmeasured", ["web-1"]),
        ("?state=broken", []),
        ("?namespace=other", []),
    ],
)
async def test_the_list_can_be_narrowed(client, query, names):
    body = await (await client.get(f"/v1/placements{query}")).json()
    assert [row["pod"] for row in body["pods"]] == names


async def test_an_unknown_state_is_refused(client):
    reply = await client.get("/v1/placements?state=fine")
    assert reply.status == 400
    assert await reply.json() == {"error": "state='fine': expected kept or broken or unmeasured"}


@pytest.mark.parametrize(("more", "status"), [(0, 200), (1, 400)])
async def test_more_pods_than_one_answer_holds_are_refused_with_what_to_do(aiohttp_client, world, more, status):
    world.table.put(a_placed_pod(peer_nodes="gateway", max_rtt_ms="5"))
    many = SimpleNamespace(standings=lambda: list(world.keeper.standings()) * (placements.MOST + more))
    app = web.Application(middlewares=[observe(world.metrics)])
    app.add_routes(Placements(many, lambda: "", world.clock).routes())
    client = await aiohttp_client(app)
    reply = await client.get("/v1/placements")
    assert reply.status == status
    if more:
        refusal = "20001 pods are too many for one answer; narrow it with ?namespace= or ?state="
        assert await reply.json() == {"error": refusal}
    assert (await client.get("/v1/placements?namespace=other")).status == 200


async def test_while_the_pods_are_being_read_the_answer_is_to_ask_again(client, world):
    world.trouble = "403 pods is forbidden"
    reply = await client.get("/v1/placements")
    assert reply.status == 503
    assert "403 pods is forbidden" in (await reply.json())["error"]


async def test_a_static_cluster_has_no_placed_pods(bench):
    reply = await bench.api.get("/v1/placements")
    assert await reply.json() == {"pods": []}
