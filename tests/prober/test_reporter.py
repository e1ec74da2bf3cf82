import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from prober.compact import MEDIA_TYPE
from prober.credentials import Credentials
from prober.delivery import Header
from prober.metrics import Metrics
from prober.reporter import Backoff, Reporter
from prober.store import Store
from prober.wire import Addresses, Reply, SelfReport, Target

V4 = int(socket.AF_INET)
HEADER = Header("me", "boot", 10_000.0, Addresses(ipv4="10.0.0.1"), SelfReport(mode="raw"))


class Rig:
    def __init__(self, urls: list[str], addresses: list[str] | None = None, token_file: str = "") -> None:
        self.registry = CollectorRegistry()
        self.store = Store(64)
        self.replies: list[tuple[str, Reply]] = []
        self.addresses = addresses
        self.heard: list[list[str]] = []
        self.held: dict[str, str] = {}
        options: dict[str, Any] = {} if addresses is None else {"resolve": self.resolve, "resolve_s": 0.02}
        self.reporter = Reporter(
            urls,
            self.store,
            Metrics(self.registry),
            header=lambda: HEADER,
            period=lambda asked_s: max(0.02, asked_s),
            on_reply=lambda replica, reply: self.replies.append((replica, reply)),
            on_replicas=self.heard.append,
            list_held=lambda replica: self.held.get(replica, ""),
            credentials=Credentials(token_file),
            **options,
        )

    async def resolve(self, host: str, port: int) -> list[tuple[int, str]]:
        if not self.addresses:
            raise OSError(f"{host} is not known")
        return [(V4, address) for address in self.addresses]

    def sample(self, value: float = 0.5, target: str = "a") -> None:
        self.store.ring(target).add(asyncio.get_running_loop().time(), value)

    def count(self, outcome: str) -> float:
        return self.registry.get_sample_value("neilats_prober_reports_total", {"outcome": outcome}) or 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.reporter.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _values(reports: list[Any]) -> list[float]:
    return [v for report in reports for _, run in report.runs() for v in run.rtt_ms]


async def test_samples_arrive_once_and_replies_are_handed_on(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    extender.reply = Reply(False, 5000.0, [Target("a", "10.0.0.9")])
    rig = Rig([await extender.serve()])
    async with rig.running():
        for i in range(5):
            rig.sample(float(i))
            await extender.until(2 * i + 2)
    assert _values(extender.reports) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert [r.seq for r in extender.reports] == list(range(1, len(extender.reports) + 1))
    assert rig.replies[0] == (f"http://127.0.0.1:{extender.port}", extender.reply)
    assert rig.heard == [["127.0.0.1"]]


async def test_reports_without_samples_fetch_targets(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    rig = Rig([await extender.serve()])
    async with rig.running():
        await extender.until(3)
    assert _values(extender.reports) == []


async def test_each_replica_behind_a_name_has_its_own_acknowledgements(make_extender: Callable[[], Any]) -> None:
    one, two = make_extender(), make_extender()
    await one.serve("127.0.0.21")
    await two.serve("127.0.0.22", one.port)
    two.answers = [(503, {"error": "starting"})] * 2
    rig = Rig([f"http://extender.test:{one.port}"], ["127.0.0.21", "127.0.0.22"])
    async with rig.running():
        rig.sample(1.0)
        await one.until(3)
        rig.sample(2.0)
        await two.until(5)
        await one.until(len(one.reports) + 2)
    assert _values(one.reports) == [1.0, 2.0]
    assert _values(two.reports[2:]) == [1.0, 2.0]
    assert {r["host"] for r in one.requests + two.requests} == {f"extender.test:{one.port}"}
    assert rig.registry.get_sample_value("neilats_prober_extender_replicas") == 2


async def test_it_goes_on_without_an_extender_and_catches_up(
    make_extender: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    extender = make_extender()
    rig = Rig([f"http://127.0.0.1:{port}"])
    async with rig.running():
        for i in range(3):
            rig.sample(float(i))
            await asyncio.sleep(0.05)
        await extender.serve(port=port)
        await extender.until(3)
    assert _values(extender.reports) == [0.0, 1.0, 2.0]
    assert rig.count("unreachable") >= 1
    assert caplog.text.count("report not taken") == 1


async def test_a_lost_answer_leads_to_the_same_report_again(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    extender.answers = [(500, {}), (409, {"error": "applied", "last_seq": 1})]
    rig = Rig([await extender.serve()])
    rig.sample(1.0)
    async with rig.running():
        await extender.until(2)
        rig.sample(2.0)
        await extender.until(4)
    assert [r.seq for r in extender.reports][:3] == [1, 1, 2]
    assert [_values([r]) for r in extender.reports][:2] == [[1.0], [1.0]]
    assert _values(extender.reports[2:]) == [2.0]
    assert rig.count("duplicate") == 1


async def test_a_resync_is_answered_with_the_whole_ring(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    rig = Rig([await extender.serve()])
    async with rig.running():
        for i in range(3):
            rig.sample(float(i))
            await extender.until(2 * i + 2)
        before = len(extender.reports)
        extender.answers = [Reply(True, 5000.0, [])]
        await extender.until(before + 3)
    full = [r for r in extender.reports if r.full]
    assert [_values([r]) for r in full] == [[0.0, 1.0, 2.0]]


async def test_an_extender_that_always_wants_a_resync_is_not_flooded(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    extender.reply = Reply(True, 5000.0, [])
    rig = Rig([await extender.serve()])
    async with rig.running():
        await asyncio.sleep(0.3)
    assert len(extender.reports) < 25


async def test_a_rejected_report_loses_nothing(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    extender.answers = [(404, {"error": "unknown node"})]
    rig = Rig([await extender.serve()])
    rig.sample(1.0)
    async with rig.running():
        await extender.until(2)
    assert _values(extender.reports) == [1.0, 1.0]
    assert rig.count("rejected") == 1


async def test_a_refused_token_loses_nothing_and_is_told_from_an_outage(
    make_extender: Callable[[], Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    extender = make_extender()
    extender.token = "good"
    extender.answers = [(503, {"error": "starting"})]
    file = tmp_path / "token"
    file.write_text("good")
    rig = Rig([await extender.serve()], token_file=str(file))
    rig.sample(1.0)
    async with rig.running(), asyncio.timeout(8):
        await extender.until(1)
        extender.token = "better"
        while not rig.count("unauthorized"):
            await asyncio.sleep(0.01)
        file.write_text("better")
        await extender.until(2)
    assert _values(extender.reports) == [1.0, 1.0]
    told = [vars(r)["outcome"] for r in caplog.records if r.message == "report not taken"]
    assert told == ["unavailable", "unauthorized"]
    assert caplog.text.count("token_file is set, but extender_urls has http") == 1


async def test_a_report_that_is_too_large_is_sent_in_parts(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    extender.most_targets = 3
    rig = Rig([await extender.serve()])
    for i in range(10):
        rig.sample(float(i), f"n{i}")
    async with rig.running():
        await extender.until(5)
    assert sorted(_values(extender.reports)) == [float(i) for i in range(10)]
    assert rig.count("too_large") >= 2


async def test_a_replica_that_is_gone_gets_no_more_reports(make_extender: Callable[[], Any]) -> None:
    one, two = make_extender(), make_extender()
    await one.serve("127.0.0.21")
    await two.serve("127.0.0.22", one.port)
    rig = Rig([f"http://extender.test:{one.port}"], ["127.0.0.21"])
    async with rig.running():
        rig.sample(1.0)
        await one.until(2)
        rig.addresses = ["127.0.0.22"]
        await two.until(2)
        count = len(one.reports)
        await two.until(len(two.reports) + 3)
        assert len(one.reports) == count
        rig.addresses = ["127.0.0.21"]  # back again: it is not told twice
        await one.until(count + 2)
    assert _values(one.reports) == [1.0]
    assert _values(two.reports) == [1.0]


async def test_a_name_that_does_not_resolve_keeps_its_last_addresses(
    make_extender: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    extender = make_extender()
    await extender.serve("127.0.0.21")
    rig = Rig([f"http://extender.test:{extender.port}"], [])
    async with rig.running():
        await asyncio.sleep(0.1)
        rig.addresses = ["127.0.0.21"]
        await extender.until(1)
        rig.addresses = []
        await extender.until(len(extender.reports) + 5)
    assert "does not resolve" in caplog.text


async def test_the_last_report_brings_what_is_left_and_skips_dead_replicas(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    rig = Rig([await extender.serve(), "http://127.0.0.1:1"])
    async with rig.running():
        await extender.until(2)
        rig.sample(7.0)
        await rig.reporter.flush(1.0)
        assert _values(extender.reports) == [7.0]


def test_back_off_grows_to_its_cap_with_full_jitter() -> None:
    backoff = Backoff(1.0, 30.0, random.Random(1))
    delays = [backoff.failed() for _ in range(200)]
    assert max(delays) <= 30
    assert all(delay <= 2.0**i for i, delay in enumerate(delays[:5]))
    assert max(delays[10:]) > 25
    assert min(delays[10:]) < 5
    backoff.succeeded()
    assert backoff.failed() <= 1.0


async def test_each_replica_is_told_which_of_its_lists_is_held(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    rig = Rig([await extender.serve()])
    async with rig.running():
        await extender.until(1)
        rig.held[f"http://127.0.0.1:{extender.port}"] = "v1"
        await extender.until(3)
    assert extender.reports[0].targets_version == ""
    assert extender.reports[-1].targets_version == "v1"


async def test_replies_are_counted_by_whether_they_bring_a_list(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    extender.answers = [Reply(False, 10_000.0, [], "v1"), Reply(False, 10_000.0, None)]
    rig = Rig([await extender.serve()])
    async with rig.running():
        await extender.until(3)
    counts = {
        outcome: rig.registry.get_sample_value("neilats_prober_target_lists_total", {"outcome": outcome})
        for outcome in ("received", "unchanged")
    }
    assert counts["unchanged"] == 1
    assert counts["received"] >= 1


async def test_a_replica_that_has_much_to_do_is_reported_to_less_often(make_extender: Callable[[], Any]) -> None:
    one, two = make_extender(), make_extender()
    await one.serve("127.0.0.23")
    await two.serve("127.0.0.24", one.port)
    two.reply = Reply(False, 10_000.0, [], report_after_ms=60_000.0)
    rig = Rig([f"http://extender.test:{one.port}"], ["127.0.0.23", "127.0.0.24"])
    async with rig.running():
        await two.until(1)
        await one.until(5)
    assert len(two.reports) == 1


async def test_an_overloaded_replica_is_left_alone_and_loses_nothing(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    extender.headers = {"Retry-After": "1"}
    extender.answers = [(503, {"error": "too many reports at once"})]
    rig = Rig([await extender.serve()])
    rig.sample(1.0)
    began = asyncio.get_running_loop().time()
    async with rig.running():
        await extender.until(1)
        rig.sample(2.0)
        await extender.until(3)
    assert asyncio.get_running_loop().time() - began >= 1.0
    assert _values(extender.reports[1:]) == [1.0, 2.0]
    assert rig.count("busy") == 1


def test_the_wait_that_is_asked_for_is_the_least_and_twice_that_the_most() -> None:
    backoff = Backoff(rng=random.Random(1))
    waits = [backoff.failed(4.0) for _ in range(200)]
    assert 4.0 <= min(waits) < 4.5
    assert 7.5 < max(waits) <= 8.0


async def test_each_replica_gets_the_form_that_it_takes(make_extender: Callable[[], Any]) -> None:
    newer, older = make_extender(), make_extender()
    await newer.serve("127.0.0.25")
    await older.serve("127.0.0.26", newer.port)
    newer.takes = {"Accept": f"{MEDIA_TYPE}, application/json"}
    rig = Rig([f"http://extender.test:{newer.port}"], ["127.0.0.25", "127.0.0.26"])
    async with rig.running():
        rig.sample(1.0)
        await newer.until(3)
        rig.sample(2.0)
        await older.until(len(older.reports) + 3)
        await newer.until(len(newer.reports) + 3)
    assert _values(newer.reports) == _values(older.reports) == [1.0, 2.0]
    assert [request["form"] for request in newer.requests[:3]] == ["json", "compact", "compact"]
    assert {request["form"] for request in older.requests} == {"json"}
    sent = rig.registry.get_sample_value("neilats_prober_report_bytes_total", {"encoding": "compact"})
    sizes = [int(request["bytes"]) for request in newer.requests if request["form"] == "compact"]
    assert sum(sizes[:-1]) <= sent <= sum(sizes)  # the last one's answer may be on its way
