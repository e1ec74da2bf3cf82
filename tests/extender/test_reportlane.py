"""The real prober's courier and the load generator before a real listener: the lane reads what they send."""

import asyncio
import re
from socket import AF_INET

import pytest
from yarl import URL

from bench.client import request
from bench.load.format import encoded
from extender.heads import REPORTS
from extender.listeners import Listener
from extender.tls import TlsFiles
from prober.courier import Courier, Outcome
from prober.credentials import Credentials
from prober.replicas import Replica
from tests.certificates import ADDRESS, Authority
from tests.extender.reportwork import a_report, door, post

MANY = 3000


@pytest.fixture
def token(tmp_path):
    file = tmp_path / "token"
    file.write_text("t\n")
    return str(file)


def courier_to(where, credentials, scheme="http"):
    return Courier(Replica(URL(f"{scheme}://{where}/"), int(AF_INET), "127.0.0.1"), credentials=credentials)


def listener_of(d, tls=None):
    return Listener("api", d.app(), "127.0.0.1:0", d.metrics, tls, lane=d.lane)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_the_lane_reads_all_that_a_real_prober_sends(tmp_path, token, tls):
    with door() as d:
        authority = Authority(tmp_path / "keys")
        listener = listener_of(d, TlsFiles(*map(str, authority.issue(ADDRESS))) if tls else None)
        where = await listener.open()
        credentials = Credentials(token, str(authority.ca) if tls else "")
        async with courier_to(where, credentials, "https" if tls else "http") as courier:
            reports = [a_report(seq, samples=MANY if seq == 3 else 4) for seq in (1, 2, 3, 3, 5)]
            outcomes = [(await courier.carry(report)).outcome for report in reports]
            assert (len(d.lane), len(listener.connections)) == (1, 1)
        assert outcomes == [Outcome.ACCEPTED] * 3 + [Outcome.DUPLICATE, Outcome.RESYNC]
        counted, _ = d.seen()
        forms = {dict(labels)["encoding"] for name, *labels in counted if "report_bytes" in name}
        assert forms == {"json", "compact", "compact+gzip"}
        await listener.close()


async def status_of(reader):
    """The status of the next answer, which is read to its end."""
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(re.search(rb"Content-Length: (\d+)", head)[1]))
    return head[9:12]


async def test_who_asks_something_else_of_the_listener_gets_the_framework():
    with door() as d:
        listener = listener_of(d)
        where = await listener.open()
        statuses = []
        reader, writer = await asyncio.open_connection(*where.split(":"))
        for ask in (post(), b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", post()):
            writer.write(ask)
            statuses.append(await status_of(reader))
        assert statuses == [b"200", b"200", b"409"]
        assert (len(d.lane), len(listener.connections)) == (0, 1)
        writer.close()
        await listener.close()


async def test_a_listener_that_closes_lets_a_report_in_progress_end():
    with door() as d:
        d.api.gate = asyncio.Event()
        listener = listener_of(d)
        where = await listener.open()
        idle, busy = [await asyncio.open_connection(*where.split(":")) for _ in range(2)]
        busy[1].write(post())
        while len(d.lane) < 2 or not d.api.asked:
            await asyncio.sleep(0.001)
        closing = asyncio.create_task(listener.close())
        assert await asyncio.wait_for(idle[0].read(), 5) == b""
        d.api.gate.set()
        assert (await asyncio.wait_for(busy[0].read(), 5)).startswith(b"HTTP/1.1 200 ")
        await closing
        assert (d.reports("applied"), len(d.lane)) == (1, 0)
        for _, writer in (idle, busy):
            writer.close()


async def head_of(credentials):
    """What the real courier writes before a body."""
    heads = asyncio.Queue()

    async def listen(reader, writer):
        heads.put_nowait(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with courier_to(f"{host}:{port}", credentials) as courier:
        await courier.carry(a_report())
    server.close()
    return await heads.get()


async def test_the_load_generator_writes_its_reports_in_the_form_of_the_real_prober(token):
    body = encoded(a_report())
    load = REPORTS.read(request("/v1/report", body.content, body.headers))
    for credentials, more in ((Credentials(), set()), (Credentials(token), {b"Authorization"})):
        real = REPORTS.read(await head_of(credentials))
        assert load.target == real.target == b"/v1/report"
        assert set(real.fields) == set(load.fields) | {b"Accept", b"Accept-Encoding"} | more
    assert re.fullmatch(rb"\d+", load.fields[b"Content-Length"])
