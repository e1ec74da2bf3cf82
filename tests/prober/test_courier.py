import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from prober.courier import Courier, Outcome
from prober.replicas import Replica
from prober.wire import Reply, Report, Target
from tests.missing import missing

REPORT = Report("me", "boot", 1, 10_000.0)
V4 = int(socket.AF_INET)


def _replica(url: str, address: str = "127.0.0.1") -> Replica:
    return Replica(URL(url), V4, address)


async def test_an_accepted_report_brings_the_reply(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    extender.reply = Reply(False, 5000.0, [Target("a", "10.0.0.1")])
    async with Courier(_replica(await extender.serve())) as courier:
        answer = await courier.carry(REPORT)
    assert answer.outcome is Outcome.ACCEPTED
    assert answer.reply == extender.reply
    assert extender.reports == [REPORT]


@pytest.mark.parametrize(
    ("answer", "outcome", "last_seq"),
    [
        (Reply(True, 5000.0, []), Outcome.RESYNC, 0),
        ((409, {"error": "applied", "last_seq": 7}), Outcome.DUPLICATE, 7),
        ((409, {"error": "applied", "last_seq": "x"}), Outcome.DUPLICATE, 0),
        ((413, {"error": "large"}), Outcome.TOO_LARGE, 0),
        ((400, {"error": "bad"}), Outcome.REJECTED, 0),
        ((404, {}), Outcome.REJECTED, 0),
        ((302, {}), Outcome.UNAVAILABLE, 0),
        ((503, {"error": "starting"}), Outcome.UNAVAILABLE, 0),
        (b"not json", Outcome.BAD_REPLY, 0),
        (b'{"resync":false,"interval_ms":-1,"targets":[]}', Outcome.BAD_REPLY, 0),
    ],
    ids=str,
)
async def test_what_each_answer_means(
    make_extender: Callable[[], Any], answer: Any, outcome: Outcome, last_seq: int
) -> None:
    extender = make_extender()
    extender.answers = [answer]
    async with Courier(_replica(await extender.serve())) as courier:
        found = await courier.carry(REPORT)
    assert (found.outcome, found.last_seq) == (outcome, last_seq)


async def test_no_connection_is_an_outcome_not_an_error() -> None:
    async with Courier(_replica("http://extender:1")) as courier:
        found = await courier.carry(REPORT)
    assert found.outcome is Outcome.UNREACHABLE
    assert found.why


async def test_the_request_keeps_the_name_of_the_url_and_goes_to_the_address(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    await extender.serve("127.0.0.7")
    async with Courier(_replica(f"http://extender.test:{extender.port}/base", "127.0.0.7")) as courier:
        assert (await courier.carry(REPORT)).outcome is Outcome.REJECTED  # no such path here
    async with Courier(_replica(f"http://extender.test:{extender.port}", "127.0.0.7"), ["127.0.0.12"]) as courier:
        await courier.carry(REPORT)
        await courier.carry(REPORT)
    assert extender.requests[0]["host"] == f"extender.test:{extender.port}"
    assert extender.requests[0]["peer"] == "127.0.0.12"


async def test_a_bind_address_of_the_other_family_is_left_out(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    async with Courier(_replica(await extender.serve()), ["::1"]) as courier:
        assert (await courier.carry(REPORT)).outcome is Outcome.ACCEPTED


async def test_tls_asks_for_the_name_and_refuses_an_unknown_certificate(
    make_extender: Callable[[], Any], tmp_path: Path
) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "1",
    ]
    try:
        subprocess.run([*command, "-subj", "/CN=x", "-keyout", key, "-out", cert], check=True, capture_output=True)
    except FileNotFoundError:
        missing("openssl makes the certificate of this test: install it")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    names: list[str | None] = []
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    extender = make_extender()
    await extender.serve(tls=context)
    async with Courier(_replica(f"https://extender.test:{extender.port}")) as courier:
        found = await courier.carry(REPORT)
    assert found.outcome is Outcome.UNREACHABLE
    assert "Certificate" in found.why
    assert names == ["extender.test"]
