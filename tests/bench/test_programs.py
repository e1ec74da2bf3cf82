"""The bench's own programs as they are run: the load generator against the sink, an API server of many pods."""

import sys

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bench.fakeapi import NAMESPACE, PROMISED, FakeApi
from bench.load.fleet import Load
from bench.loading import loading
from bench.processes import module, running
from bench.timing import BenchError
from extender.cluster.tables import NodeTable
from extender.placed.table import PlacedTable
from extender.pods import Pod


def test_the_load_generator_says_when_all_were_answered_and_what_it_saw() -> None:
    with running(module("bench.load.sink"), "sink") as sink:
        address = sink.wait_for(r"sink=(\S+)")[1]
        with loading(Load(address=address, nodes=30, targets=5, history=4, interval_s=0.4, report_s=0.2)) as generator:
            assert generator.ready(20)
            seen = generator.stop()
        assert sink.cpu_s() > 0
        assert sink.resident_mb() > 10
    assert (seen.answered, seen.statuses.keys()) == (30, {"200"})
    assert seen.acknowledged >= 30 * 5 * 4
    assert seen.p99_ms >= seen.p50_ms > 0


def test_a_load_that_nobody_answers_is_not_ready() -> None:
    with loading(Load(address="127.0.0.1:1", nodes=3, targets=2)) as generator:
        assert not generator.ready(0.5)
        seen = generator.stop()
    assert (seen.answered, seen.acknowledged) == (0, 0)
    assert seen.statuses.keys() == {"ConnectionRefusedError"}


def test_a_program_that_ends_or_stays_silent_is_an_error_with_its_last_words() -> None:
    said = r"odd does not say 'listening'.*no such option"
    with (
        running([sys.executable, "-c", "print('no such option')"], "odd") as child,
        pytest.raises(BenchError, match=said),
    ):
        child.wait_for("listening", 10)
    with (
        running([sys.executable, "-c", "input()"], "quiet", piped=True) as child,
        pytest.raises(BenchError, match="quiet does not say"),
    ):
        child.wait_for("listening", 0.05)


async def test_the_many_pods_are_listed_in_pages_and_every_tenth_has_a_promise() -> None:
    fake, app = FakeApi(20, 2500), web.Application()
    app.router.add_get("/{path:.*}", fake.get)
    placed, nodes, pods = PlacedTable(), NodeTable(), list[Pod]()
    async with TestClient(TestServer(app)) as client:

        async def listed(path: str) -> list[dict[str, object]]:
            items, token = [], ""
            while True:
                async with client.get(path, params={"limit": "500", "continue": token or "0"}) as reply:
                    page = await reply.json()
                items += page["items"]
                if not (token := page["metadata"].get("continue", "")):
                    return items

        for raw in await listed("/api/v1/nodes"):
            nodes.put(raw)
        for raw in await listed("/api/v1/pods"):
            placed.put(raw)
            pods.append(Pod.from_json(raw))
        assert len(await listed(f"/api/v1/namespaces/{NAMESPACE}/pods")) == 2500
    assert len(nodes.nodes) == 20
    assert len(pods) == len({pod.uid for pod in pods}) == 2500
    assert all(pod.occupies in nodes.nodes for pod in pods)
    assert len(placed) == pytest.approx(2500 / PROMISED, rel=0.3)
