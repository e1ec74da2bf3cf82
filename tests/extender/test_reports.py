"""The door of the probers' reports: their forms, what a reply leaves out, and what happens when too many come."""

import asyncio
import gzip
from socket import AF_INET
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from yarl import URL

from extender.access.senders import by_address
from extender.http import observe
from extender.load import Load
from extender.replies import Replies
from extender.reports import Reports
from extender.turns import Turns
from prober.compact import MEDIA_TYPE, pack
from prober.courier import Courier, Outcome
from prober.replicas import Replica
from prober.wire import Addresses, Report, Run, encode

JSON, COMPACT, GZIP = {"Content-Type": "application/json"}, {"Content-Type": MEDIA_TYPE}, {"Content-Encoding": "gzip"}


def a_report(seq: int = 1, node: str = "node-2", **fields: Any) -> Report:
    return Report(node, "b1", seq, 10_000.0, {"node-1": Run(0.0, 10_000.0, [1.0, -1.0, None, 2.0])}, **fields)


async def post(bench: Any, body: bytes, headers: dict[str, str]) -> tuple[int, Any, Any]:
    response = await bench.api.post("/v1/report", data=body, headers=headers)
    return response.status, await response.json(), response.headers


FORMS = {
    "json": (encode, JSON),
    "json+gzip": (lambda report: gzip.compress(encode(report)), JSON | GZIP),
    "compact": (pack, COMPACT),
    "compact+gzip": (lambda report: gzip.compress(pack(report)), COMPACT | GZIP),
}


@pytest.mark.parametrize("form", FORMS)
async def test_every_form_of_a_report_is_applied_and_its_bytes_are_counted(bench, form):
    write, headers = FORMS[form]
    body = write(a_report())
    status, _, replied = await post(bench, body, headers)
    assert status == 200
    assert {kind.strip() for kind in replied["Accept"].split(",")} == {MEDIA_TYPE, "application/json"}
    assert replied["Accept-Encoding"] == "gzip"
    for kind, count in (("measured", 2), ("lost", 1), ("unmeasured", 1)):
        assert bench.metric("neilats_extender_samples_total", kind=kind) == count
    store = bench.extender.store
    window = store.windows(store.rows(["node-2"], ["node-1"]), bench.clock.now)[0]
    assert window[-4:].tolist()[:2] == [1.0, float("inf")]
    assert window[-1] == 2.0
    assert bench.metric("neilats_extender_report_bytes_total", encoding=form) == len(body)


@pytest.mark.parametrize(
    ("body", "says"),
    [(b"", "truncated"), (b"\x93\x01\x02", "object"), (encode(a_report()), "not a valid compact report")],
    ids=["empty", "an array", "JSON"],
)
async def test_what_is_no_compact_report_is_refused(bench, body, says):
    status, answer, _ = await post(bench, body, COMPACT)
    assert (status, bench.metric("neilats_extender_reports_total", outcome="invalid")) == (400, 1)
    assert says in answer["error"]
    assert bench.extender.ingest.sources == {}


@pytest.mark.parametrize("headers", [JSON | GZIP, COMPACT | GZIP], ids=["json", "compact"])
async def test_a_small_body_that_unpacks_to_a_large_one_is_refused(make_bench, headers):
    bench = await make_bench(report_max_mib=0.25)
    status, answer, _ = await post(bench, gzip.compress(bytes(20_000_000)), headers)
    assert status == 413
    assert "more than 262144 bytes" in answer["error"]
    assert bench.metric("neilats_extender_reports_total", outcome="too_large") == 1
    assert (await post(bench, encode(a_report()), JSON))[0] == 200


async def test_compressed_bytes_that_are_cut_off_are_refused(bench):
    status, _, _ = await post(bench, gzip.compress(pack(a_report()))[:-12], COMPACT | GZIP)
    assert status == 400
    assert bench.extender.ingest.sources == {}


async def test_other_calls_do_not_take_the_compact_form(bench):
    response = await bench.api.post("/v1/scores", data=b"\x80", headers=COMPACT)
    assert response.status == 415


async def test_a_prober_goes_over_to_the_compact_form_by_itself(bench):
    replica = Replica(URL(str(bench.api.make_url("/"))), int(AF_INET), "127.0.0.1")
    async with Courier(replica) as courier:
        outcomes = [(await courier.carry(a_report(seq))).outcome for seq in (1, 2)]
    assert outcomes == [Outcome.ACCEPTED] * 2
    for form in ("json", "compact"):
        assert bench.metric("neilats_extender_report_bytes_total", encoding=form) > 0
    assert bench.metric("neilats_extender_samples_total", kind="measured") == 4


# -- the list of targets -----------------------------------------------------------------------------------------------


async def reply(bench: Any, report: Report) -> Any:
    status, answer, _ = await post(bench, encode(report), JSON)
    assert status == 200
    return answer


async def a_listed_prober(bench: Any) -> Any:
    """Let node-1 be a target of node-2; the reply to node-2."""
    await reply(bench, a_report(1, "node-3", addresses=Addresses(ipv4="10.0.0.3")))
    return await reply(bench, a_report(1))


async def test_a_list_that_the_prober_holds_is_left_out(bench):
    first = await a_listed_prober(bench)
    assert [t["node"] for t in first["targets"]] == ["node-3"]
    second = await reply(bench, a_report(2, targets_version=first["targets_version"]))
    assert second["targets"] is None
    assert "targets_version" not in second
    assert bench.metric("neilats_extender_target_lists_total", outcome="left_out") == 1


async def test_a_prober_that_names_no_list_gets_it_always(bench):
    first = await a_listed_prober(bench)
    assert (await reply(bench, a_report(2)))["targets"] == first["targets"]
    assert bench.metric("neilats_extender_target_lists_total", outcome="left_out") == 0


async def test_a_list_that_changed_is_sent(bench):
    first = await a_listed_prober(bench)
    await reply(bench, a_report(1, "node-4", addresses=Addresses(ipv4="10.0.0.4")))
    second = await reply(bench, a_report(2, targets_version=first["targets_version"]))
    assert [t["node"] for t in second["targets"]] == ["node-3", "node-4"]
    assert second["targets_version"] != first["targets_version"]


async def test_a_burst_for_a_pod_comes_with_a_list_of_its_own(bench):
    first = await a_listed_prober(bench)
    bench.extender.decider._probing.want("node-2", "node-3", bench.clock.now)
    second = await reply(bench, a_report(2, targets_version=first["targets_version"]))
    assert [t.get("burst") for t in second["targets"]] == [True]


async def test_another_process_sends_its_list_although_it_is_the_same(bench, make_bench):
    first, other = await a_listed_prober(bench), await make_bench()
    assert (await a_listed_prober(other))["targets"] == first["targets"]
    second = await reply(other, a_report(2, targets_version=first["targets_version"]))
    assert second["targets"] == first["targets"]


# -- load ------------------------------------------------------------------------------------------------------------


class Told(Load):
    """A load that asks for given pauses."""

    def __init__(self, pause_s: float, urgent_pause_s: float = 0.0) -> None:
        super().__init__(10.0, 40.0)
        self._told_s, self._urgent_s = pause_s, urgent_pause_s
        self.urgent: list[int] = []

    def pause_s(self, probers: int) -> float:
        return self._told_s

    def spread_s(self, pause_s: float, probers: int) -> float:
        return pause_s

    def urgent_pause_s(self, probers: int, urgent: int) -> float:
        self.urgent.append(urgent)
        return self._urgent_s


def asked_ms(bench: Any, replies: Replies, node: str = "node-2") -> float | None:
    report = a_report(2, node)
    return replies.to(report, bench.extender.ingest.sources, bench.clock.now, resync=False).report_after_ms


@pytest.mark.parametrize(
    ("load", "burst", "expected_ms"),
    [
        (Told(0.0), False, None),
        (Told(8.0), False, 8000),
        (Told(8.0, 0.0), True, None),
        (Told(8.0, 2.5), True, 2500),
    ],
    ids=["little load", "much load", "a pod waits", "a pod waits, and many others"],
)
async def test_probers_are_asked_to_wait_but_less_where_a_pod_waits_for_them(bench, load, burst, expected_ms):
    await a_listed_prober(bench)
    if burst:
        bench.extender.decider._probing.want("node-2", "node-3", bench.clock.now)
    replies = Replies(bench.extender.decider._probing, load, bench.extender.metrics)
    assert asked_ms(bench, replies) == expected_ms
    assert bench.metric("neilats_extender_report_after_seconds") == load.pause_s(1)


async def test_probers_that_measure_for_a_pod_are_counted_as_long_as_they_do(bench):
    await a_listed_prober(bench)
    load, probing = Told(8.0), bench.extender.decider._probing
    replies = Replies(probing, load, bench.extender.metrics)
    probing.want("node-2", "node-3", bench.clock.now)
    probing.want("node-4", "node-3", bench.clock.now)
    for node in ("node-2", "node-4", "node-2"):
        asked_ms(bench, replies, node)
    bench.clock.forward(60)
    asked_ms(bench, replies, "node-2")
    probing.want("node-4", "node-3", bench.clock.now)
    asked_ms(bench, replies, "node-4")
    assert load.urgent == [1, 2, 2, 1]


@pytest.fixture
async def crowded(bench, aiohttp_client) -> tuple[Any, "TestClient[Any, Any]"]:
    """A door before the bench's ingest at which nobody may wait."""
    extender = bench.extender
    app = web.Application(middlewares=[observe(extender.metrics)])
    door = Reports(extender.ingest, extender.metrics, 2**20, by_address, Load(10.0, 40.0), Turns(most=0))
    app.add_routes(door.routes())
    return bench, await aiohttp_client(app)


async def test_a_report_that_cannot_be_taken_now_is_refused_before_it_is_decoded(crowded):
    bench, client = crowded
    response = await client.post("/v1/report", data=b"{nope", headers=JSON)
    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert "too many" in (await response.json())["error"]
    assert bench.metric("neilats_extender_reports_total", outcome="busy") == 1
    assert bench.metric("neilats_extender_report_bytes_total", encoding="json") == 0


async def test_reports_that_come_at_once_are_all_applied(bench):
    answers = await asyncio.gather(
        *(bench.api.post("/v1/report", data=encode(a_report(1, f"node-{i}")), headers=JSON) for i in (2, 3, 4))
    )
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert set(bench.extender.ingest.sources) == {"node-2", "node-3", "node-4"}
