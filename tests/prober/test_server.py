from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry, Counter

from prober.server import Health, build_app


async def _status(client: TestClient[Any, Any], path: str) -> tuple[int, str]:
    async with client.get(path) as response:
        return response.status, await response.text()


async def test_a_working_prober_is_alive_and_ready() -> None:
    health = Health(opened=True)
    async with TestClient(TestServer(build_app(CollectorRegistry(), health))) as client:
        assert await _status(client, "/healthz") == (200, "ok\n")
        assert await _status(client, "/readyz") == (200, "ok\n")


async def test_it_is_not_ready_before_its_sockets_are_open_and_while_it_stops() -> None:
    health = Health()
    async with TestClient(TestServer(build_app(CollectorRegistry(), health))) as client:
        assert await _status(client, "/readyz") == (503, "the sockets are not open\n")
        health.opened = health.stopping = True
        assert await _status(client, "/readyz") == (503, "stopping\n")
        assert (await _status(client, "/healthz"))[0] == 200


async def test_a_probe_loop_that_stands_still_is_not_alive() -> None:
    health = Health(loop_age=lambda: 100.0, opened=True)
    async with TestClient(TestServer(build_app(CollectorRegistry(), health))) as client:
        assert (await _status(client, "/healthz"))[0] == 503
        assert (await _status(client, "/readyz"))[0] == 503


async def test_metrics_are_those_of_the_given_registry() -> None:
    registry = CollectorRegistry()
    Counter("some", "of it", registry=registry).inc(3)
    async with TestClient(TestServer(build_app(registry, Health()))) as client:
        status, text = await _status(client, "/metrics")
        assert status == 200
        assert "some_total 3.0" in text


async def test_everything_else_is_not_found() -> None:
    async with TestClient(TestServer(build_app(CollectorRegistry(), Health()))) as client:
        assert (await _status(client, "/"))[0] == 404
        async with client.post("/metrics", data=b"x" * 100_000) as response:
            assert response.status == 405
