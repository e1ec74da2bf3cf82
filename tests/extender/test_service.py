"""The service's life: listen, serve, become unready, drain, stop."""

import asyncio
import shutil
import ssl
import subprocess
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest

from extender.service import run
from neilats.settings import ExtenderSettings
from tests.missing import missing


@asynccontextmanager
async def serving(**settings):
    """A running service on free ports; yields (extender, addresses, stop)."""
    opened, stop = asyncio.get_running_loop().create_future(), asyncio.Event()
    fixed = {
        "listen": "127.0.0.1:0",
        "webhook_listen": "127.0.0.1:0",
        "nodes": (("a", ""), ("b", "")),
        "ready_after_s": 0,
    }
    chosen = ExtenderSettings(**(fixed | settings))
    service = asyncio.create_task(
        run(chosen, listening=lambda extender, where: opened.set_result((extender, where)), stop=stop)
    )
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

        async def slow(raw_pod, names):
            await asyncio.sleep(0.8)
            return await real(raw_pod, names)

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
    with pytest.raises(ValueError, match="broken"):
        async with serving() as (extender, _, _):
            extender.waker.look = _broken
            await asyncio.sleep(1.5)


async def _broken():
    raise ValueError("broken")


async def test_the_cluster_listener_speaks_tls_when_a_certificate_is_set(tmp_path):
    if not shutil.which("openssl"):
        missing("openssl makes the certificate of this test: install it")
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    trust = ssl.create_default_context(cafile=cert)
    async with (
        serving(tls_cert=str(cert), tls_key=str(key)) as (_, where, _),
        aiohttp.ClientSession() as session,
        session.get(f"https://{where['api']}/healthz", ssl=trust) as reply,
    ):
        assert reply.status == 200
