"""The commands that ask an extender over TLS, with tokens and certificates."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from neilats.commands.access import Access
from neilats.commands.client import ask_all
from neilats.commands.errors import RefusedError, UntrustedError
from neilats.settings import ExtenderSettings, ProberSettings, load_settings
from tests.certificates import Authority
from tests.neilats.conftest import neilats

MATRIX = {"nodes": ["a", "b"], "paths": []}


class Door:
    """A listener in an extender's place that lets in who shows the token, or any certificate when there is none."""

    def __init__(self, token: str = "") -> None:
        self.token = token
        self.port = 0
        self.asked: list[str] = []

    async def matrix(self, request: web.Request) -> web.Response:
        self.asked.append(request.headers.get("Authorization", ""))
        shown = request.get_extra_info("peercert")
        if self.token and self.asked[-1] != f"Bearer {self.token}" and not shown:
            return web.json_response({"error": "who asks?"}, status=401)
        if self.token == "nobody's":
            return web.json_response({"error": "no right to /v1/matrix"}, status=403)
        return web.json_response(MATRIX)


@pytest.fixture
async def listen() -> AsyncIterator[Callable[..., Any]]:
    runners = []

    async def make(door: Door, tls: ssl.SSLContext | None = None) -> Door:
        app = web.Application()
        app.router.add_get("/v1/matrix", door.matrix)
        app.router.add_get("/v1/recording", door.matrix)
        runners.append(runner := web.AppRunner(app, access_log=None, shutdown_timeout=0.1))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        door.port = runner.addresses[0][1]
        return door

    yield make
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path)


def test_a_token_is_not_in_the_repr():
    assert "secret" not in repr(Access(token="secret"))


@pytest.mark.parametrize("kind", [ProberSettings, ExtenderSettings])
def test_the_variables_of_the_command_line_are_no_settings_of_a_service(kind):
    given = {"NEILATS_TOKEN": "secret", "NEILATS_URL": "https://localhost:8080"}
    assert load_settings(kind, env=given) == kind()


@pytest.mark.parametrize("way", ["flag", "variable for the file", "variable", "flag over variable"])
async def test_a_token_is_shown(listen, tmp_path, monkeypatch, way):
    door = await listen(Door(token="good"))
    (tmp_path / "token").write_text("good\n")
    if way == "variable for the file":
        monkeypatch.setenv("NEILATS_TOKEN_FILE", str(tmp_path / "token"))
    elif way != "flag":
        monkeypatch.setenv("NEILATS_TOKEN", "good" if way == "variable" else "bad")
    flags = ("--token-file", str(tmp_path / "token")) if "flag" in way else ()
    result = await neilats("matrix", "--url", f"http://127.0.0.1:{door.port}", *flags)
    assert result.exit_code == 0, result.output
    assert door.asked == ["Bearer good"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_the_ca_verifies_the_name_of_the_url(listen, authority, host):
    door = await listen(Door(), authority.server("DNS:localhost", "IP:127.0.0.1"))
    url = ("--url", f"https://{host}:{door.port}")
    result = await neilats("matrix", *url, "--ca-file", str(authority.ca))
    assert result.exit_code == 0, result.output
    unknown = await neilats("matrix", *url)
    assert unknown.exit_code == 1
    assert "does not verify: " in unknown.stderr
    assert "--ca-file or NEILATS_CA_FILE" in unknown.stderr
    assert r"kubectl -n neilats get secret neilats-tls -o jsonpath='{.data.ca\.crt}'" in unknown.stderr


async def test_another_ca_is_not_enough(listen, authority, tmp_path, monkeypatch):
    door = await listen(Door(), authority.server("IP:127.0.0.1"))
    monkeypatch.setenv("NEILATS_CA_FILE", str(Authority(tmp_path, "other").ca))
    result = await neilats("matrix", "--url", f"https://127.0.0.1:{door.port}")
    assert result.exit_code == 1
    assert "does not verify" in result.stderr


async def test_a_certificate_for_other_names_is_told_from_an_unknown_ca(listen, authority):
    door = await listen(Door(), authority.server("DNS:elsewhere.test"))
    result = await neilats("matrix", "--url", f"https://127.0.0.1:{door.port}", "--ca-file", str(authority.ca))
    assert result.exit_code == 1
    assert "IP address mismatch" in result.stderr
    assert "Ask by a name that it carries" in result.stderr
    assert "kubectl" not in result.stderr


async def test_all_addresses_behind_a_name_are_verified_by_the_name(listen, authority):
    named = await listen(Door(token="good"), authority.server("DNS:neilats-extender.test"))
    resolved: list[str] = []

    async def resolve(host: str, port: int) -> list[tuple[int, str]]:
        resolved.append(host)
        return [(int(socket.AF_INET), "127.0.0.1")]

    async def asked(name: str, access: Access) -> Any:
        (answer,) = await ask_all([f"https://{name}:{named.port}"], "/v1/matrix", resolve, access=access)
        return answer

    good = await asked("neilats-extender.test", Access("good", ca_file=authority.ca))
    assert good.body == MATRIX
    assert isinstance((await asked("other.test", Access("good", ca_file=authority.ca))).error, UntrustedError)
    assert isinstance((await asked("neilats-extender.test", Access("bad", ca_file=authority.ca))).error, RefusedError)
    assert resolved == ["neilats-extender.test", "other.test", "neilats-extender.test"]


@pytest.mark.parametrize("together", [False, True], ids=["two files", "one file"])
async def test_a_client_certificate_is_shown(listen, authority, tmp_path, together):
    context = authority.server("IP:127.0.0.1")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(authority.ca)
    door = await listen(Door(token="good"), context)
    cert, key = authority.issue()
    if together:
        (tmp_path / "both.pem").write_bytes(cert.read_bytes() + key.read_bytes())
    mine = ("--cert-file", str(tmp_path / "both.pem")) if together else ("--cert-file", cert, "--key-file", key)
    url = ("--url", f"https://127.0.0.1:{door.port}", "--ca-file", str(authority.ca))
    result = await neilats("matrix", *url, *map(str, mine))
    assert result.exit_code == 0, result.output
    assert (await neilats("matrix", *url)).exit_code == 1


async def test_who_is_not_known_hears_how_to_get_a_token(listen):
    door = await listen(Door(token="good"))
    result = await neilats("matrix", "--url", f"http://127.0.0.1:{door.port}")
    assert result.exit_code == 1
    assert "says: who asks?" in result.stderr
    assert "kubectl -n neilats create token ACCOUNT --audience neilats" in result.stderr
    assert "port-forward, which needs no token" in result.stderr


async def test_who_may_not_ask_hears_how_to_be_allowed(listen, monkeypatch):
    door = await listen(Door(token="nobody's"))
    monkeypatch.setenv("NEILATS_TOKEN", "nobody's")
    result = await neilats("matrix", "--url", f"http://127.0.0.1:{door.port}")
    assert result.exit_code == 1
    assert "says: no right to /v1/matrix" in result.stderr
    assert "clusterrole neilats-viewer" in result.stderr
    assert "nobody's" not in result.stderr


async def test_plain_http_to_a_tls_listener_and_the_reverse_are_told(listen, authority):
    secured, plain = await listen(Door(), authority.server("IP:127.0.0.1")), await listen(Door())
    result = await neilats("matrix", "--url", f"http://127.0.0.1:{secured.port}")
    assert f"If it listens with TLS, ask https://127.0.0.1:{secured.port}." in result.stderr
    result = await neilats("matrix", "--url", f"https://127.0.0.1:{plain.port}", "--ca-file", str(authority.ca))
    assert f"If it listens without TLS, ask http://127.0.0.1:{plain.port}." in result.stderr


async def test_the_recording_is_asked_with_the_same_credentials(listen, authority, tmp_path, monkeypatch):
    door = await listen(Door(token="good"), authority.server("IP:127.0.0.1"))
    monkeypatch.setenv("NEILATS_TOKEN", "good")
    recorded = ("record", "--out", str(tmp_path / "out"), "--url", f"https://127.0.0.1:{door.port}")
    result = await neilats(*recorded, "--ca-file", str(authority.ca))
    assert door.asked == ["Bearer good"]
    assert "HTTP 200 without a recording" in result.stderr
    assert "does not verify" in (await neilats(*recorded)).stderr
    monkeypatch.setenv("NEILATS_TOKEN", "bad")
    result = await neilats(*recorded, "--ca-file", str(authority.ca))
    assert "create token ACCOUNT --audience neilats" in result.stderr


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("", "it is empty"), ("two words", "it holds no token"), ("naïve", "it holds no token")],
    ids=["empty", "two words", "no ASCII"],
)
async def test_a_token_file_of_no_use_is_a_misuse_that_is_named(tmp_path, content, complaint):
    (tmp_path / "token").write_text(content)
    result = await neilats("matrix", "--token-file", str(tmp_path / "token"))
    assert result.exit_code == 2
    assert f"--token-file {tmp_path / 'token'}: {complaint}" in result.stderr


async def test_files_that_do_not_fit_are_named(authority, tmp_path):
    (tmp_path / "nonsense").write_text("nonsense")
    nonsense, (cert, key) = str(tmp_path / "nonsense"), authority.issue()
    result = await neilats("matrix", "--ca-file", nonsense)
    assert (result.exit_code, f"--ca-file {nonsense}: " in result.stderr) == (1, True)
    result = await neilats("matrix", "--cert-file", str(cert), "--key-file", nonsense)
    assert (result.exit_code, f"--cert-file {cert}, --key-file {nonsense}: " in result.stderr) == (1, True)
    result = await neilats("matrix", "--key-file", str(key))
    assert (result.exit_code, "--key-file needs --cert-file" in result.stderr) == (2, True)
    result = await neilats("explain", "shop/cart", "--ca-file", str(tmp_path / "missing"))
    assert (result.exit_code, "does not exist" in result.stderr) == (2, True)


async def test_a_tls_listener_that_says_nothing_is_a_failure_too():
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        result = await neilats("matrix", "--url", f"https://127.0.0.1:{port}")
    assert result.exit_code == 1
    assert f"https://127.0.0.1:{port}" in result.stderr
