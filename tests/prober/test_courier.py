import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from prober.compact import MEDIA_TYPE
from prober.courier import Courier, Outcome
from prober.credentials import Credentials
from prober.replicas import Replica
from prober.wire import Reply, Report, Run, Target
from tests.certificates import Authority

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
        ((401, {"error": "no token"}), Outcome.UNAUTHORIZED, 0),
        ((403, {"error": "not yours"}), Outcome.UNAUTHORIZED, 0),
        ((302, {}), Outcome.UNAVAILABLE, 0),
        ((503, {"error": "starting"}), Outcome.UNAVAILABLE, 0),
        ((429, {"error": "too many"}), Outcome.REJECTED, 0),
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


async def test_a_redirect_is_not_followed_so_that_the_token_goes_nowhere_else(
    make_extender: Callable[[], Any], tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("good")
    extender, elsewhere = make_extender(), make_extender()
    replica = _replica(await extender.serve())
    extender.location = f"{await elsewhere.serve()}/v1/report"
    extender.answers = [(307, {})]
    async with Courier(replica, (), Credentials(str(tmp_path / "token"))) as courier:
        assert (await courier.carry(REPORT)).outcome is Outcome.UNAVAILABLE
    assert (len(extender.requests), elsewhere.requests) == (1, [])


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
    context = Authority(tmp_path).server("DNS:extender.test")
    names: list[str | None] = []
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    extender = make_extender()
    await extender.serve(tls=context)
    async with Courier(_replica(f"https://extender.test:{extender.port}")) as courier:
        found = await courier.carry(REPORT)
    assert found.outcome is Outcome.UNREACHABLE
    assert "certificate verify failed" in found.why
    assert names == ["extender.test"]


@pytest.mark.parametrize(
    ("host", "signer", "outcome"),
    [
        ("extender.test", "ours", Outcome.ACCEPTED),
        ("127.0.0.1", "ours", Outcome.UNREACHABLE),
        ("other.test", "ours", Outcome.UNREACHABLE),
        ("extender.test", "theirs", Outcome.UNREACHABLE),
    ],
    ids=["right", "the address instead of the name", "wrong name", "wrong CA"],
)
async def test_the_urls_name_is_verified_by_the_ca_file(
    make_extender: Callable[[], Any], tmp_path: Path, host: str, signer: str, outcome: Outcome
) -> None:
    extender = make_extender()
    await extender.serve(tls=Authority(tmp_path, "ours").server("DNS:extender.test"))
    trusted = tmp_path / "ours.crt" if signer == "ours" else Authority(tmp_path, signer).ca
    async with Courier(_replica(f"https://{host}:{extender.port}"), (), Credentials(ca_file=str(trusted))) as courier:
        assert (await courier.carry(REPORT)).outcome is outcome


async def test_another_ca_counts_from_the_next_report_and_a_broken_one_changes_nothing(
    make_extender: Callable[[], Any], tmp_path: Path
) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    extender = make_extender()
    await extender.serve(tls=ours.server("DNS:extender.test"))
    file = tmp_path / "ca.crt"
    url, outcomes = f"https://extender.test:{extender.port}", []
    async with Courier(_replica(url), (), Credentials(ca_file=str(file), look_s=0.0)) as courier:
        for content in (b"", theirs.ca.read_bytes(), ours.ca.read_bytes(), b"", theirs.ca.read_bytes()):
            file.write_bytes(content)
            outcomes.append((await courier.carry(REPORT)).outcome)
    assert outcomes == [
        Outcome.UNREACHABLE,
        Outcome.UNREACHABLE,
        Outcome.ACCEPTED,
        Outcome.ACCEPTED,
        Outcome.UNREACHABLE,
    ]


async def test_a_refused_token_is_read_again_before_the_next_report(
    make_extender: Callable[[], Any], tmp_path: Path
) -> None:
    extender = make_extender()
    extender.token = "new"
    file = tmp_path / "token"
    file.write_text("old")
    replica = _replica(await extender.serve())
    async with Courier(replica, (), Credentials(str(file), look_s=3600.0)) as courier:
        assert (await courier.carry(REPORT)).outcome is Outcome.UNAUTHORIZED
        file.write_text("new")
        assert (await courier.carry(REPORT)).outcome is Outcome.ACCEPTED
        file.write_text("newer")  # not looked at for an hour, as nobody doubts the old one
        assert (await courier.carry(REPORT)).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, ("token_file", "audience")), (403, ("reporters", "node_name"))],
)
async def test_a_refusal_says_what_to_look_at(
    make_extender: Callable[[], Any], status: int, advice: tuple[str, ...]
) -> None:
    extender = make_extender()
    extender.answers = [(status, {"error": "not yours"})]
    async with Courier(_replica(await extender.serve())) as courier:
        why = (await courier.carry(REPORT)).why
    assert why.startswith(f"HTTP {status}: not yours")
    assert all(word in why for word in advice)


TAKES = {"Accept": f"{MEDIA_TYPE}, application/json", "Accept-Encoding": "gzip"}
SMALL = Report("me", "boot", 1, 10_000.0, {"a": Run(0.0, 1000.0, [1.0])})
LARGE = Report("me", "boot", 1, 10_000.0, {f"n{i}": Run(0.0, 10_000.0, [i % 7 / 4] * 64) for i in range(64)})


def _forms(extender: Any) -> list[str]:
    return [request["form"] for request in extender.requests]


async def test_the_first_report_is_json_and_the_next_ones_are_what_the_replica_takes(
    make_extender: Callable[[], Any],
) -> None:
    extender = make_extender()
    extender.takes = TAKES
    sent: list[tuple[str, int]] = []
    replica = _replica(await extender.serve())
    async with Courier(replica, on_sent=lambda encoding, size: sent.append((encoding, size))) as courier:
        for report in (LARGE, SMALL, LARGE):
            assert (await courier.carry(report)).outcome is Outcome.ACCEPTED
    assert _forms(extender) == ["json", "compact", "compact gzip"]
    assert extender.reports == [LARGE, SMALL, LARGE]
    assert [encoding for encoding, _ in sent] == ["json", "compact", "compact+gzip"]
    assert [str(size) for _, size in sent] == [request["bytes"] for request in extender.requests]


@pytest.mark.parametrize(
    ("takes", "forms"),
    [
        ({}, ["json", "json"]),
        ({"Accept": "application/json"}, ["json", "json"]),
        ({"Accept": f"application/json, {MEDIA_TYPE};q=0.9"}, ["json", "compact"]),
        ({"Accept-Encoding": "gzip, deflate"}, ["json", "json gzip"]),
        ({"Accept-Encoding": "br"}, ["json", "json"]),
    ],
    ids=str,
)
async def test_a_replica_gets_no_more_than_it_says_it_takes(
    make_extender: Callable[[], Any], takes: dict[str, str], forms: list[str]
) -> None:
    extender = make_extender()
    extender.takes = takes
    async with Courier(_replica(await extender.serve())) as courier:
        for _ in forms:
            assert (await courier.carry(LARGE)).outcome is Outcome.ACCEPTED
    assert _forms(extender) == forms


async def test_an_older_replica_at_the_same_address_gets_the_same_report_as_json_at_once(
    make_extender: Callable[[], Any],
) -> None:
    extender = make_extender()
    extender.takes = TAKES
    async with Courier(_replica(await extender.serve())) as courier:
        await courier.carry(LARGE)
        extender.takes = {}
        assert (await courier.carry(LARGE)).outcome is Outcome.ACCEPTED
        assert (await courier.carry(LARGE)).outcome is Outcome.ACCEPTED
    assert _forms(extender) == ["json", "compact gzip", "json", "json"]
    assert extender.reports == [LARGE] * 3


async def test_a_replica_that_cannot_read_what_it_asked_for_gets_json_at_once(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    extender.takes = TAKES
    async with Courier(_replica(await extender.serve())) as courier:
        await courier.carry(SMALL)
        extender.answers = [(400, {"error": "not a valid compact report"})]
        assert (await courier.carry(SMALL)).outcome is Outcome.ACCEPTED
    assert _forms(extender) == ["json", "compact", "json"]


async def test_a_refusal_for_another_reason_changes_nothing(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    extender.takes = TAKES
    async with Courier(_replica(await extender.serve())) as courier:
        await courier.carry(SMALL)
        extender.answers = [(503, {"error": "starting"})]
        assert (await courier.carry(SMALL)).outcome is Outcome.UNAVAILABLE
        await courier.carry(SMALL)
    assert _forms(extender) == ["json", "compact", "compact"]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("retry_after", "pause_s"), [("3", 3.0), ("100000", 60.0), ("0", 0.0), ("-1", 0.0), ("soon", 0.0), ("²", 0.0)]
)
async def test_an_overloaded_replica_says_when_to_come_back(
    make_extender: Callable[[], Any], status: int, retry_after: str, pause_s: float
) -> None:
    extender = make_extender()
    extender.headers = {"Retry-After": retry_after}
    extender.answers = [(status, {"error": "too many reports at once"})]
    async with Courier(_replica(await extender.serve())) as courier:
        answer = await courier.carry(SMALL)
    assert answer.retry_after_s == pause_s
    assert (answer.outcome is Outcome.BUSY) == (pause_s > 0)
