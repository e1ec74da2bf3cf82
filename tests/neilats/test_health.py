"""`neilats health` against listeners that answer as extenders and probers do."""

import subprocess
import sys

import pytest
from aiohttp import web

from prober.server import Health, build_app
from tests.certificates import Authority
from tests.neilats.conftest import neilats, neilats_process


@pytest.fixture
async def listen():
    """Serve an application; gives its port."""
    runners = []

    async def make(app, tls=None):
        runners.append(runner := web.AppRunner(app, access_log=None, shutdown_timeout=0.1))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        return runner.addresses[0][1]

    yield make
    for runner in runners:
        await runner.cleanup()


async def test_an_extender_that_is_ready(serve):
    result = await neilats("health", "--url", (await serve(ready_after_s=0.0)).url)
    assert (result.exit_code, result.stdout) == (0, "ready\n")


async def test_what_an_extender_lacks_is_told_while_it_lives(serve):
    extender = await serve()
    extender.extender.health.stopping = True
    result = await neilats("health", "--url", extender.url)
    assert (result.exit_code, result.stdout) == (1, "stopping: the process has been told to end\n")
    result = await neilats("health", "--live", "--url", extender.url)
    assert (result.exit_code, result.stdout) == (0, "alive\n")


async def test_a_prober_is_asked_in_the_same_way(listen):
    from prometheus_client import CollectorRegistry

    health = Health()
    url = f"http://127.0.0.1:{await listen(build_app(CollectorRegistry(), health))}"
    result = await neilats("health", "--url", url)
    assert (result.exit_code, result.stdout) == (1, "the sockets are not open\n")
    health.opened = True
    assert (await neilats("health", "--url", url)).stdout == "ready\n"


async def test_over_tls_with_the_ca_of_the_environment(listen, tmp_path, monkeypatch):
    async def readyz(request):
        return web.json_response({"status": "ok"})

    app = web.Application()
    app.router.add_get("/readyz", readyz)
    authority = Authority(tmp_path)
    port = await listen(app, authority.server("DNS:localhost"))
    monkeypatch.setenv("NEILATS_URL", f"https://localhost:{port}")
    unknown = await neilats("health")
    assert unknown.exit_code == 1
    assert "--ca-file or NEILATS_CA_FILE" in unknown.stderr
    monkeypatch.setenv("NEILATS_CA_FILE", str(authority.ca))
    assert (await neilats("health")).stdout == "ready\n"
    wrong_name = await neilats("health", "--url", f"https://127.0.0.1:{port}")
    assert "Ask by a name that it carries" in wrong_name.stderr
    plain = await neilats("health", "--url", f"http://127.0.0.1:{port}")
    assert f"If it listens with TLS, ask https://127.0.0.1:{port}" in plain.stderr


async def test_what_is_no_health_is_a_failure(listen):
    result = await neilats("health", "--url", f"http://127.0.0.1:{await listen(web.Application())}")
    assert result.exit_code == 1
    assert "HTTP 404 at /readyz" in result.stderr


def test_nobody_there_fails_with_one_line_of_reason(unused_tcp_port):
    done = neilats_process("health", "--url", f"http://127.0.0.1:{unused_tcp_port}")
    assert done.returncode == 1
    assert "Connection refused" in done.stderr


def test_it_imports_nothing_heavy():
    heavy = ("aiohttp", "asyncio", "numpy", "msgspec", "rich", "yaml", "prober", "extender")
    code = "import sys; from neilats.cli import main; main(['health', '--url', 'http://127.0.0.1:1']);"
    code += f"sys.exit([m for m in {heavy} if m in sys.modules] or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
