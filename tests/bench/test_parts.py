"""The parts of sections that judge: what peers report, what counts as a real score, a binding, a flat course."""

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.accuracy import Round, middle, reached
from bench.bindings import bound_pod, version_of
from bench.feeding import Peer, Peers
from bench.firstpod import Search
from bench.firstpod import _rows as firstpod_rows
from bench.floor import Floor
from bench.growth import measured
from bench.objects import node_names
from bench.options import Options
from bench.scheduling import Speed, Variant
from bench.soak import Course, growth_mb
from bench.throughput import why_slower
from bench.timing import BenchError
from bench.webhooks import intent, peers_of, verify_scores
from extender.intents import parse_intent
from extender.pods import Pod
from prober.wire import Report
from scoring.profiles import PROFILES
from tests.bench.bodies import read_report

NAMES = node_names(2300)


def report(message: bytes) -> Report:
    return read_report(message.partition(b"\r\n\r\n")[2])


def test_a_first_pod_that_is_late_is_told_with_what_computing_alone_takes() -> None:
    answer, explained = firstpod_rows([90.0], [2.0], 0, Search(100.0, 120.0), Floor(50.0, 10.0, 30.0))
    assert not answer.reached
    assert not explained.reached
    assert answer.limit == "the network alone takes 50 ms on both cores"
    assert "computing alone takes 90 on both cores" in explained.limit


def test_what_an_extender_may_take_is_what_binding_leaves_it() -> None:
    null = Speed(150.0, 2000, {"kube-scheduler": 6.0, "kube-apiserver": 3.0, "null-extender": 0.9}, 0.95)
    ours = Speed(100.0, 2000, {"kube-scheduler": 6.5, "kube-apiserver": 4.0, "python": 3.5}, 0.9)
    # 9.9 ms a pod at 90 % of the speed are 11 ms, of which 9 are not the extender's.
    assert why_slower([ours], [null]).endswith("90% leaves 2.0 ms to an extender, and ours takes 3.5")


def test_a_peer_reports_whole_rings_of_all_other_nodes_and_then_one_sample_of_each() -> None:
    peer = Peer(NAMES[5], NAMES, 0, 10.0)
    full = [report(message) for message in peer.full()]
    fresh = [report(make()) for make in peer.fresh()]
    for reports, count in ((full, 64), (fresh, 1)):
        runs = [run for one in reports for run in one.runs()]
        assert {target for target, _ in runs} == set(NAMES) - {NAMES[5]}
        assert len(runs) == len(NAMES) - 1
        assert {len(run.rtt_ms) for _, run in runs} == {count}
    assert [one.seq for one in [*full, *fresh]] == list(range(1, len(full) + len(fresh) + 1))
    assert len(fresh) == 36


async def test_a_report_that_is_refused_for_now_is_sent_again_and_one_that_is_wrong_ends_the_run() -> None:
    statuses = [200, 503, 200, 400]
    taken: list[int] = []

    async def take(request: web.Request) -> web.Response:
        taken.append(read_report(await request.read()).seq)
        return web.Response(status=statuses.pop(0))

    app = web.Application(client_max_size=1 << 24)
    app.add_routes([web.post("/v1/report", take)])
    async with TestServer(app) as server:

        def fill() -> None:
            peers = Peers(f"127.0.0.1:{server.port}", [NAMES[0]], NAMES)
            try:
                peers.fill()
            finally:
                peers.close()

        with pytest.raises(BenchError, match="answered with 400"):
            await asyncio.to_thread(fill)
    assert taken == [1, 2, 2, 3]


def test_pods_ask_for_the_mode_and_the_peer() -> None:
    for require in (True, False):
        found = parse_intent(Pod("shop", "web", annotations=intent(NAMES[1], require=require)), PROFILES)
        assert found is not None
        assert not found.mistakes
        assert (found.peer_nodes, found.mode) == ((NAMES[1],), "require" if require else "prefer")
    assert len(set(peers_of(NAMES))) == 4


def scores(*values: int) -> bytes:
    return json.dumps([{"Host": name, "Score": v} for name, v in zip(NAMES, values, strict=False)]).encode()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (scores(1, 2, 3), "3 of 4 candidates"),
        (scores(0, 0, 0, 0), "no real scores"),
        (scores(0, 5, 5, 0), "no real scores"),
        (scores(1, 2, 3, 11), "no real scores"),
    ],
)
def test_scores_that_are_not_real_end_the_run(body: bytes, why: str) -> None:
    with pytest.raises(BenchError, match=why):
        verify_scores(body, NAMES[:4])


def test_real_scores_pass() -> None:
    verify_scores(scores(0, 3, 10, 3), NAMES[:4])


def test_a_binding_is_a_change_that_shows_a_node() -> None:
    pod = b'"object":{"kind":"Pod","metadata":{"name":"pod-7","namespace":"default"},"spec":{%s}}}'
    assert bound_pod(b'{"type":"MODIFIED",' + pod % b'"nodeName":"node-1"') == b"pod-7"
    assert bound_pod(b'{"type":"MODIFIED",' + pod % b'"schedulerName":"s"') == b""
    assert bound_pod(b'{"type":"DELETED",' + pod % b'"nodeName":"node-1"') == b""
    assert bound_pod(b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"1"}}}') == b""


def test_a_watch_goes_on_behind_its_last_event_but_not_behind_an_error() -> None:
    assert version_of(b'{"type":"ADDED","object":{"metadata":{"resourceVersion":"17"}}}') == "17"
    assert version_of(b'{"type":"ERROR","object":{"metadata":{"resourceVersion":"17"},"code":410}}') == ""
    assert version_of(b"{}") == ""


def test_the_moment_at_which_everything_was_there_is_found_by_halves() -> None:
    search, moment = Search(), 137.0
    for _ in range(12):
        delay = search.delay(answered_ms=60.0)
        assert delay >= 60.0
        search.saw(delay, there=delay >= moment)
    assert search.early <= moment <= search.there
    assert search.there - search.early < 1.0


def test_a_search_that_contradicts_itself_stays_within_its_bounds() -> None:
    search = Search(early=100.0, there=120.0)
    search.saw(150.0, there=False)
    assert search.early <= search.there == 120.0


def test_memory_that_is_flat_after_the_first_quarter_does_not_grow() -> None:
    assert growth_mb([*range(15), *[100.0] * 45]) == pytest.approx(0)


def test_memory_that_grows_to_the_end_is_seen() -> None:
    assert growth_mb([100 + i for i in range(60)]) == pytest.approx(44)


def test_the_tail_of_each_quarter_is_that_of_its_calls_alone() -> None:
    course = Course(webhook_ms=[[float(quarter)] * 10 for quarter in range(4) for _ in range(15)])
    assert [course.p99_ms(quarter) for quarter in range(4)] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("ours", "ping", "kept"),
    [(0.055, 0.036, True), (0.058, 0.036, False), (5.4, 5.0, True), (5.6, 5.0, False), (0.010, 0.036, False)],
)
def test_the_error_may_be_twenty_microseconds_or_a_tenth(ours: float, ping: float, kept: bool) -> None:
    assert reached(Round(ours, ping)) is kept


def test_the_round_in_the_middle_counts() -> None:
    rounds = [Round(0.30, 0.03), Round(0.05, 0.04), Round(0.01, 0.04)]
    assert middle(rounds) == rounds[1]


def test_a_variant_configures_only_its_verbs() -> None:
    entry = Variant("ours", ("prioritize",)).entry
    assert (entry["filterVerb"], entry["prioritizeVerb"], entry["preemptVerb"]) == ("", "prioritize", "")


def test_a_size_that_cannot_be_measured_is_missing_with_its_reason_and_the_others_stay() -> None:
    without = Options(null_extender=Path("nowhere"))
    points, missing = measured("names", [5, 10], without)
    assert points == {}
    assert missing.keys() == {"5", "10"}
    assert all("NULL_EXTENDER" in why for why in missing.values())
