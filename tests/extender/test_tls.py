"""Certificates that change while real sockets are open."""

import asyncio
import os
import socket
import ssl
import subprocess
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web

from extender.app import new_metrics
from extender.certificates import not_after
from extender.listeners import Listener
from extender.tls import TlsError, TlsFiles
from tests.certificates import ADDRESS, Authority


def put(folder, cert, key, client_ca=None):
    """Files as Kubernetes mounts a Secret: links through `..data`, which is swapped at once."""
    made = folder / f"..{len(list(folder.iterdir()))}"
    made.mkdir()
    for name, source in (("tls.crt", cert), ("tls.key", key), ("ca.crt", client_ca)):
        if source:
            (made / name).write_bytes(source.read_bytes())
        if source and not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..new").symlink_to(made.name)
    os.replace(folder / "..new", folder / "..data")


def trusting(authority, client=None):
    context = ssl.create_default_context(cafile=authority.ca)
    if client:
        context.load_cert_chain(*client)
    return context


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "keys")


@pytest.fixture
def secret(tmp_path):
    folder = tmp_path / "secret"
    folder.mkdir()
    return folder


@asynccontextmanager
async def listening(secret, client_ca=False, required=False):
    """A listener of the secret's files that says who calls."""

    async def hello(request):
        port = request.transport.get_extra_info("peername")[1]
        return web.json_response({"certified": bool(request.transport.get_extra_info("peercert")), "port": port})

    app = web.Application()
    app.add_routes([web.get("/", hello)])
    metrics = new_metrics()
    ca = str(secret / "ca.crt") if client_ca else ""
    files = TlsFiles(str(secret / "tls.crt"), str(secret / "tls.key"), ca, required)
    listener = Listener("api", app, "127.0.0.1:0", metrics, files)
    try:
        url = f"https://{await listener.open()}/"
        yield SimpleNamespace(url=url, refresh=listener.renewal.refresh, metrics=metrics, listener=listener)
    finally:
        await listener.close()


async def get(url, trust):
    async with aiohttp.ClientSession() as session, session.get(url, ssl=trust) as reply:
        return await reply.json()


def count(served, outcome):
    return served.metrics.registry.get_sample_value("neilats_extender_tls_reloads_total", {"outcome": outcome})


def expiry(served):
    name = "neilats_extender_certificate_expiry_timestamp_seconds"
    return served.metrics.registry.get_sample_value(name, {"listener": "api"})


async def test_a_renewed_certificate_serves_new_connections_and_open_ones_go_on(authority, secret, tmp_path):
    put(secret, *authority.issue(ADDRESS))
    other = Authority(tmp_path / "keys", "other")
    async with listening(secret) as served, aiohttp.ClientSession() as session:
        trust = trusting(authority)
        async with session.get(served.url, ssl=trust) as reply:
            port = (await reply.json())["port"]
        cert, key = other.issue(ADDRESS, days=2)
        put(secret, cert, key)
        await served.refresh()
        async with session.get(served.url, ssl=trust) as reply:
            assert (await reply.json())["port"] == port
        assert (await get(served.url, trusting(other)))["certified"] is False
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await get(served.url, trusting(authority))
        assert (count(served, "loaded"), count(served, "failed")) == (1, 0)
        assert expiry(served) == not_after(cert.read_bytes())


async def test_files_that_did_not_change_are_not_taken_again(authority, secret):
    cert, key = authority.issue(ADDRESS)
    put(secret, cert, key)
    async with listening(secret) as served:
        assert expiry(served) == not_after(cert.read_bytes())
        put(secret, cert, key)  # another folder with the same contents
        await served.refresh()
        assert (count(served, "loaded"), count(served, "failed")) == (0, 0)


@pytest.mark.parametrize("broken", ["mismatch", "half written", "empty", "gone", "no PEM"])
async def test_files_that_cannot_be_used_leave_the_old_ones_in_use_and_are_counted_once(
    authority, secret, broken, caplog
):
    put(secret, *authority.issue(ADDRESS))
    cert, key = authority.issue(ADDRESS)
    async with listening(secret) as served:
        _break(secret, broken, cert, key)
        for _ in range(3):
            await served.refresh()
        assert (count(served, "loaded"), count(served, "failed")) == (0, 1)
        assert [r.levelname for r in caplog.records if "not taken" in r.message] == ["ERROR"]
        assert await get(served.url, trusting(authority))
        put(secret, cert, key)
        await served.refresh()
        assert (count(served, "loaded"), count(served, "failed")) == (1, 1)


def _break(secret, how, cert, key):
    place = (secret / "..data").resolve()
    if how == "gone":
        (place / "tls.key").unlink()
    else:
        text = {"mismatch": cert.read_bytes(), "half written": cert.read_bytes()[:200], "empty": b"", "no PEM": b"x"}
        (place / "tls.crt").write_bytes(text[how])


async def test_a_ca_that_was_taken_away_is_trusted_no_more(authority, secret, tmp_path):
    old, new = (Authority(tmp_path / "keys", name) for name in ("old", "new"))
    cert, key = authority.issue(ADDRESS)
    put(secret, cert, key, old.ca)
    client = trusting(authority, old.issue(ADDRESS))
    async with listening(secret, client_ca=True) as served:
        assert (await get(served.url, client))["certified"] is True
        put(secret, cert, key, new.ca)
        await served.refresh()
        # The same client context: it would resume its session with the server if it could.
        with pytest.raises((aiohttp.ClientError, ssl.SSLError, ConnectionError)):
            await get(served.url, client)
        assert (await get(served.url, trusting(authority, new.issue(ADDRESS))))["certified"] is True
        assert (await get(served.url, trusting(authority)))["certified"] is False


async def test_a_client_ca_may_be_an_intermediate_one(authority, secret, tmp_path):
    ours, others = (Authority(tmp_path / "keys", name, above=authority) for name in ("ours", "others"))
    put(secret, *authority.issue(ADDRESS), ours.ca)
    async with listening(secret, client_ca=True, required=True) as served:
        assert (await get(served.url, trusting(authority, ours.issue(ADDRESS))))["certified"] is True
        with pytest.raises((aiohttp.ClientError, ssl.SSLError, ConnectionError)):
            await get(served.url, trusting(authority, others.issue(ADDRESS)))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_session_of_a_client_whose_ca_was_taken_away_cannot_be_resumed(authority, secret, tmp_path, version):
    old, new = (Authority(tmp_path / "keys", name) for name in ("old", "new"))
    cert, key = authority.issue(ADDRESS)
    put(secret, cert, key, old.ca)
    client = trusting(authority, old.issue(ADDRESS))
    client.minimum_version = client.maximum_version = version
    async with listening(secret, client_ca=True, required=True) as served:
        session = await asyncio.to_thread(_ask, served.url, client, None)
        reused = await asyncio.to_thread(_ask, served.url, client, session)
        assert reused is not None
        put(secret, cert, key, new.ca)
        await served.refresh()
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.to_thread(_ask, served.url, client, session)


def _ask(url, context, session):
    """One request with a session to resume; returns the session afterwards."""
    host, port = url.removeprefix("https://").rstrip("/").split(":")
    with (
        socket.create_connection((host, int(port))) as raw,
        context.wrap_socket(raw, server_hostname=host, session=session) as tls,
    ):
        tls.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := tls.recv(4096):
            answer += part
        if not answer:
            raise ConnectionError("no answer")
        assert answer.startswith(b"HTTP/1.1 200")
        assert session is None or tls.session_reused
        return tls.session


async def test_no_connection_is_refused_while_certificates_change(authority, secret):
    pairs = [authority.issue(ADDRESS) for i in range(3)]
    put(secret, *pairs[0])
    async with listening(secret) as served:
        stop, done = asyncio.Event(), 0

        async def knock():
            nonlocal done
            while not stop.is_set():
                await get(served.url, trusting(authority))
                done += 1

        callers = [asyncio.create_task(knock()) for _ in range(4)]
        for i in range(12):
            put(secret, *pairs[(i + 1) % 3])
            await served.refresh()
            before = done
            while done < before + 4 and not any(c.done() for c in callers):
                await asyncio.sleep(0.001)
        stop.set()
        await asyncio.gather(*callers)
        assert count(served, "loaded") == 12


async def test_a_certificate_that_cannot_be_used_at_the_start_is_an_error_that_names_it(authority, secret):
    cert, _ = authority.issue(ADDRESS)
    _, key = authority.issue(ADDRESS)
    put(secret, cert, key)
    with pytest.raises(TlsError, match=r"tls\.crt, key .*tls\.key, client CA none: .*MISMATCH"):
        async with listening(secret):
            pass


async def test_an_encrypted_key_is_an_error_not_a_question_on_the_terminal(authority, secret):
    cert, key = authority.issue(ADDRESS)
    locked = key.with_suffix(".locked")
    subprocess.run(
        ["openssl", "ec", "-in", key, "-aes128", "-passout", "pass:secret", "-out", locked],
        check=True,
        capture_output=True,
    )
    put(secret, cert, locked)
    with pytest.raises(TlsError):
        async with listening(secret):
            pass


async def test_older_versions_than_tls_1_2_are_refused(authority, secret):
    put(secret, *authority.issue(ADDRESS))
    files = TlsFiles(str(secret / "tls.crt"), str(secret / "tls.key"))
    assert files.context().minimum_version == ssl.TLSVersion.TLSv1_2
