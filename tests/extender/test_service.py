"""The service's life: listen, serve, become unready, drain, stop."""

import asyncio
import re
import ssl
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest

from extender.cluster.static import StaticCluster
from extender.intents import Intent
from extender.placed.table import Placed
from extender.pods import Pod
from extender.service import run
from neilats.settings import ExtenderSettings
from tests.certificates import ADDRESS, Authority
from tests.extender.access.fake_reviews import FakeReviews
from tests.extender.events.conftest import FakeStore


@asynccontextmanager
async def serving(cluster=None, prepare=lambda extender: None, **settings):
    """A running service on free ports; yields (extender, addresses, stop). `prepare` may change it before it runs."""
    opened, stop = asyncio.get_running_loop().create_future(), asyncio.Event()
    fixed = {
        "listen": "127.0.0.1:0",
        "webhook_listen": "127.0.0.1:0",
        "nodes": (("a", ""), ("b", "")),
        "ready_after_s": 0,
    }
    chosen = ExtenderSettings(**(fixed | settings))

    def listening(extender, where):
        prepare(extender)
        opened.set_result((extender, where))

    service = asyncio.create_task(run(chosen, cluster, listening=listening, stop=stop))
    await asyncio.wait([service, opened], return_when=asyncio.FIRST_COMPLETED)
    if service.done():
        await service
    extender, where = opened.result()
    try:
        yield extender, where, stop
    finally:
        stop.set()
        await service


async def test_both_listeners_are_open_and_separate():
    async with serving() as (_, where, _), aiohttp.ClientSession() as session:
        async with session.get(f"http://{where['api']}/readyz") as reply:
            assert reply.status == 200
        async with session.post(f"http://{where['api']}/scheduler/filter", json={}) as reply:
            assert reply.status == 404
        async with session.get(f"http://{where['webhooks']}/metrics") as reply:
            assert reply.status == 404


async def test_a_stop_makes_it_unready_answers_what_is_open_and_ends_within_five_seconds():
    async with serving() as (extender, where, stop), aiohttp.ClientSession() as session:
        pod = {"metadata": {"name": "p", "annotations": {"neilats.io/peer-nodes": "a"}}}
        real = extender.decider.prioritize

        async def slow(*call):
            await asyncio.sleep(0.8)
            return await real(*call)

        extender.decider.prioritize = slow
        call = asyncio.create_task(
            session.post(f"http://{where['webhooks']}/scheduler/prioritize", json={"Pod": pod, "NodeNames": ["a", "b"]})
        )
        await asyncio.sleep(0.1)
        began = time.monotonic()
        stop.set()
        await asyncio.sleep(0.1)
        async with session.get(f"http://{where['api']}/readyz") as reply:
            assert reply.status == 503
        assert (await call).status == 200
    assert time.monotonic() - began < 5


async def test_a_port_in_use_is_an_error_that_is_not_swallowed():
    async with serving() as (_, where, _):
        with pytest.raises(OSError, match="in use"):
            async with serving(listen=where["api"]):
                pass


async def test_a_background_task_that_fails_ends_the_service_with_its_error():
    async def broken():
        raise ValueError("broken")

    def prepare(extender):
        extender.waker.run = broken

    with pytest.raises(ValueError, match="broken"):
        async with serving(prepare=prepare):
            pass


class Stalling(FakeStore):
    """An API server that answers, until it is told to be silent."""

    def __init__(self):
        super().__init__()
        self.silent = False

    async def get(self, path, params):
        await self._wait()
        return PODS if path == "/api/v1/pods" else await super().get(path, params)

    async def post(self, path, body):
        await self._wait()
        return await super().post(path, body)

    async def put(self, path, body):
        await self._wait()
        return await super().put(path, body)

    async def lines(self, path, params, silence_s, opened):
        await asyncio.Event().wait()
        yield b""

    async def _wait(self):
        if self.silent:
            await asyncio.Event().wait()


PODS = b'{"metadata": {"resourceVersion": "1"}, "items": []}'
LEASE = "/apis/coordination.k8s.io/v1/namespaces/neilats/leases/neilats-events"


@asynccontextmanager
async def speaking(api):
    """A service that holds the lease, and has been told to stop while fifty events wait."""
    cluster = StaticCluster((("a", ""), ("b", "")))
    cluster.api = api
    async with serving(cluster, events_lease="neilats/neilats-events") as (extender, where, stop):
        while not extender.voice.announcer.speaks:
            await asyncio.sleep(0.001)
        for i in range(50):
            placed = Placed(Pod("shop", f"p{i}", f"u{i}"), "", Intent())
            extender.voice.announcer.broken(placed, "path to a breaks 5 ms", news=True)
        yield extender, where, stop


def told(extender, outcome):
    return extender.metrics.registry.get_sample_value("neilats_extender_events_total", {"outcome": outcome})


async def test_a_stop_writes_the_events_that_wait_and_gives_the_lease_back():
    async with speaking(api := Stalling()) as (extender, _, _):
        pass
    assert len(api.events()) == 50
    assert (told(extender, "sent"), told(extender, "dropped")) == (50, 0)
    assert api.objects[LEASE]["spec"]["holderIdentity"] == ""


async def test_a_decision_that_is_answered_after_the_stop_still_gets_its_event():
    pod = {"metadata": {"name": "p", "uid": "u", "annotations": {"neilats.io/max-rtt-ms": "soon"}}}
    async with speaking(api := Stalling()) as (_, where, stop), aiohttp.ClientSession() as session:
        stop.set()
        await asyncio.sleep(0.1)
        body = {"Pod": pod, "NodeNames": ["a", "b"]}
        async with session.post(f"http://{where['webhooks']}/scheduler/prioritize", json=body) as reply:
            assert reply.status == 200
    assert [e["reason"] for e in api.events()].count("InvalidLatencyIntent") == 1


async def test_a_stop_ends_within_five_seconds_also_while_the_api_server_is_silent():
    async with speaking(api := Stalling()) as (extender, _, _):
        api.silent = True
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert told(extender, "sent") + told(extender, "dropped") == 50


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def pair(authority, prefix="tls"):
    """The settings of a new certificate and its key."""
    cert, key = authority.issue(ADDRESS)
    return {f"{prefix}_cert": str(cert), f"{prefix}_key": str(key)}


async def test_the_cluster_listener_speaks_tls_when_a_certificate_is_set(authority):
    trust = ssl.create_default_context(cafile=authority.ca)
    async with (
        serving(**pair(authority)) as (_, where, _),
        aiohttp.ClientSession() as session,
        session.get(f"https://{where['api']}/healthz", ssl=trust) as reply,
    ):
        assert reply.status == 200


async def test_the_webhooks_ask_for_a_client_certificate_where_they_are_not_on_loopback(authority, tmp_path):
    stranger = Authority(tmp_path, "stranger")
    anonymous, known, unknown = (ssl.create_default_context(cafile=authority.ca) for _ in range(3))
    known.load_cert_chain(*authority.issue(ADDRESS))
    unknown.load_cert_chain(*stranger.issue(ADDRESS))
    settings = pair(authority, prefix="webhook_tls") | {"webhook_client_ca": str(authority.ca)}
    async with serving(**settings) as (_, where, _), aiohttp.ClientSession() as session:
        url, body = f"https://{where['webhooks']}/scheduler/filter", {"Pod": {"metadata": {"name": "p"}}}
        async with session.post(url, json=body | {"NodeNames": ["a"]}, ssl=known) as reply:
            assert reply.status == 200
        for context in (anonymous, unknown):
            with pytest.raises((aiohttp.ClientError, ssl.SSLError, ConnectionError)):
                await session.post(url, json=body, ssl=context)


async def test_metrics_and_the_old_plugin_have_plain_listeners_of_their_own_where_the_settings_want_them(authority):
    more = {"metrics_listen": "127.0.0.1:0", "legacy_listen": "127.0.0.1:0"}
    async with serving(**pair(authority), **more) as (_, where, _), aiohttp.ClientSession() as session:
        assert set(where) == {"webhooks", "api", "metrics", "legacy"}
        for name, path in (("metrics", "/metrics"), ("metrics", "/readyz"), ("legacy", "/health")):
            async with session.get(f"http://{where[name]}{path}") as reply:
                assert reply.status == 200
        for name, path in (("metrics", "/v1/matrix"), ("legacy", "/v1/matrix")):
            async with session.get(f"http://{where[name]}{path}") as reply:
                assert reply.status == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_a_port_alone_is_opened_for_both_families(host, unused_tcp_port):
    only = f":{unused_tcp_port}"
    async with serving(metrics_listen=only) as (_, where, _), aiohttp.ClientSession() as session:
        assert where["metrics"] == only
        async with session.get(f"http://{host}{only}/healthz") as reply:
            assert reply.status == 200


async def test_nodes_that_run_no_prober_are_not_waited_for():
    cluster = StaticCluster((("a", ""), ("b", "")))
    cluster.nodes = {name: replace(node, probed=False) for name, node in cluster.nodes.items()}
    async with serving(cluster, ready_after_s=3600) as (extender, where, _), aiohttp.ClientSession() as session:
        async with session.get(f"http://{where['api']}/readyz") as reply:
            assert reply.status == 200
        assert extender.metrics.registry.get_sample_value("neilats_extender_probers", {"state": "silent"}) == 0


async def test_a_verified_client_certificate_may_call_in_place_of_a_token(authority):
    anonymous, known = (ssl.create_default_context(cafile=authority.ca) for _ in range(2))
    known.load_cert_chain(*authority.issue(ADDRESS))
    asked = {"api_auth": "required", "trusted_callers": (), "client_ca": str(authority.ca)}
    cluster = StaticCluster((("a", ""), ("b", "")))
    cluster.api = FakeReviews()
    async with (
        serving(cluster, **pair(authority), **asked) as (_, where, _),
        aiohttp.ClientSession() as session,
    ):
        url = f"https://{where['api']}/v1/matrix"
        async with session.get(url, ssl=known) as reply:
            assert reply.status == 200
        async with session.get(url, ssl=anonymous) as reply:
            assert reply.status == 401


async def test_tokens_over_plain_http_are_warned_of(caplog):
    cluster = StaticCluster((("a", ""),))
    cluster.api = FakeReviews()
    async with serving(cluster, api_auth="required"):
        pass
    async with serving():
        pass
    assert [r.message for r in caplog.records if r.levelname == "WARNING" and "plain HTTP" in r.message] == [
        "tokens come over plain HTTP, where they can be read: set tls_cert and tls_key"
    ]


async def test_a_token_above_the_limit_gets_an_answer_that_says_so():
    cluster = StaticCluster((("a", ""), ("b", "")))
    cluster.api = FakeReviews()
    settings = {"api_auth": "required", "trusted_callers": ()}
    async with serving(cluster, **settings) as (_, where, _), aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {'a' * 17_000}"}
        async with session.get(f"http://{where['api']}/v1/matrix", headers=headers) as reply:
            assert reply.status == 401
            assert "at most 16384" in (await reply.json())["error"]


async def test_a_client_is_never_asked_for_more_than_the_address_while_the_settings_ask_for_nothing():
    async with serving() as (_, where, _), aiohttp.ClientSession() as session:
        async with session.get(f"http://{where['api']}/v1/matrix") as reply:
            assert reply.status == 200
        async with session.get(f"http://{where['api']}/metrics") as reply:
            text = await reply.text()
        assert re.search(r'^neilats_extender_probers\{state="silent"\} 2\.0$', text, re.MULTILINE)
        assert re.search(r'^neilats_extender_probers\{state="reporting"\} 0\.0$', text, re.MULTILINE)
