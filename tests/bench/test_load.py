"""The load: what a simulated prober sends and repeats, and that a fleet's count is that of what it was acknowledged."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.load.fleet import Fleet, Load, Seen, targets_of
from bench.load.format import encoded, hints
from bench.load.paths import LOSSES, Paths
from bench.load.prober import LoadProber
from bench.objects import node_names
from prober.wire import LOST, Report
from tests.bench.bodies import read_report

NAMES = node_names(20)


def prober(history: int = 0, targets: int = 10) -> LoadProber:
    """Its interval is 10 s, so with ten targets a sample is due every second."""
    return LoadProber(NAMES[0], NAMES[1 : targets + 1], Paths(targets, 0), 10.0, history, began=100.0)


def samples(report: Report) -> int:
    return sum(len(run.rtt_ms) for _, run in report.runs())


def sent(report: Report) -> Report:
    """What the other side reads."""
    return read_report(encoded(report).content)


def test_targets_are_measured_one_after_the_other_once_an_interval() -> None:
    one = prober()
    report = sent(one.report(105.0))
    assert {t: [round(r.age_ms) for r in [run]] for t, run in report.runs()} == {
        NAMES[i + 1]: [4000 - 1000 * i] for i in range(5)
    }
    one.accepted()
    report = sent(one.report(112.0))
    assert samples(report) == 7
    assert list(report.samples) == [*NAMES[6:11], *NAMES[1:3]]
    assert report.seq == 2


def test_what_is_not_acknowledged_is_sent_again_under_its_number_and_older() -> None:
    one = prober()
    first, again = sent(one.report(103.0)), sent(one.report(106.0))
    assert (again.seq, samples(again)) == (first.seq, samples(first))
    for name in first.samples:
        before, behind = dict(first.runs())[name], dict(again.runs())[name]
        assert before.rtt_ms == behind.rtt_ms
        assert behind.age_ms == pytest.approx(before.age_ms + 3000)
    one.accepted()
    assert one.acknowledged == 3
    assert samples(sent(one.report(106.0))) == 3


def test_a_history_goes_before_the_first_sample_a_step_apart() -> None:
    report = sent(prober(history=5).report(103.0))
    assert samples(report) == 10 * 5 + 3
    runs = [run for target, run in report.runs() if target == NAMES[1]]
    assert [len(run.rtt_ms) for run in runs] == [5, 1]
    assert runs[0].age_ms - runs[1].age_ms == pytest.approx(runs[0].step_ms)


def test_samples_that_wait_too_long_are_overdue() -> None:
    one = prober()
    one.report(103.0)
    one.report(110.0)
    assert [one.overdue(before) for before in (101.0, 103.0, 200.0)] == [0, 2, 10]
    one.accepted()
    assert one.overdue(200.0) == 7


def test_paths_have_levels_of_their_own_losses_and_the_same_values_again() -> None:
    found = Paths(500, 1).samples(200)
    assert (found == Paths(500, 1).samples(200)).all()
    assert (found == LOST).mean() == pytest.approx(LOSSES, rel=0.2)
    assert 0.05 < (Paths(5000, 1).level_ms > 20).mean() < 0.2
    one = Paths(3, 2)
    assert all(v == LOST or one.level_ms[1] <= v <= 1.05 * one.level_ms[1] for v in (one.one(1) for _ in range(100)))


def test_every_prober_measures_the_hot_nodes_and_then_its_neighbours() -> None:
    load = Load(address="x:1", nodes=20, targets=5, hot=[NAMES[0], NAMES[10]])
    assert targets_of(10, NAMES, load) == [NAMES[0], *NAMES[11:15]]
    assert targets_of(19, NAMES, load) == [NAMES[0], NAMES[10], *NAMES[1:4]]
    assert len(targets_of(3, NAMES, Load(address="x:1", nodes=20, targets=64))) == 19


def test_of_a_reply_only_what_a_pace_depends_on_is_read() -> None:
    found = hints(b'{"resync":true,"interval_ms":10000,"targets":[{"node":"a","address":"b"}],"report_after_ms":7000}')
    assert (found.resync, found.report_after_ms) == (True, 7000)
    assert hints(b'{"resync":false,"interval_ms":10000,"targets":[]}').report_after_ms is None


class Extender:
    """Counts the samples of each report that it applies, once; `troubles` are the first statuses of every node."""

    def __init__(self, troubles: tuple[int, ...] = (), reply: str = '{"resync":false}') -> None:
        self.samples, self.reports = 0, Counter[str]()
        self._troubles, self._reply, self._applied = troubles, reply, set[tuple[str, int]]()

    async def report(self, request: web.Request) -> web.Response:
        report = read_report(await request.read())
        turn = self.reports[report.node]
        self.reports[report.node] += 1
        trouble = self._troubles[turn] if turn < len(self._troubles) else 200
        if trouble in (200, 409) and (report.node, report.seq) not in self._applied:
            self._applied.add((report.node, report.seq))
            self.samples += samples(report)
        return web.Response(text=self._reply if trouble == 200 else "{}", status=trouble)


async def served(extender: Extender, seconds: float, **load: Any) -> Seen:
    """What was seen by a fleet of twenty with four targets each that ran so long against it."""
    app = web.Application()
    app.add_routes([web.post("/v1/report", extender.report)])
    async with TestServer(app) as server:
        fleet = Fleet(Load(address=f"127.0.0.1:{server.port}", nodes=20, targets=4, **load), NAMES)
        fleet.start()
        async with asyncio.timeout(20):
            await fleet.ready.wait()
        await asyncio.sleep(seconds)
        return await fleet.stop()


async def test_what_was_acknowledged_is_what_was_counted() -> None:
    extender = Extender()
    seen = await served(extender, 0.5, interval_s=0.2, report_s=0.1, history=3)
    assert seen.acknowledged == extender.samples > 20 * 4 * 3
    assert (seen.answered, seen.statuses.keys(), seen.resyncs) == (20, {"200"}, 0)
    assert seen.reports == sum(extender.reports.values())


async def test_refused_and_repeated_reports_lose_and_count_nothing_twice() -> None:
    extender = Extender((503, 429, 409))
    seen = await served(extender, 0.3, interval_s=0.2, report_s=0.1)
    assert seen.acknowledged == extender.samples > 0
    assert {"200", "503", "429", "409"} == seen.statuses.keys()
    assert seen.statuses["503"] == seen.statuses["429"] == seen.statuses["409"] == 20


async def test_the_pace_that_the_extender_asks_for_is_kept() -> None:
    extender = Extender(reply='{"resync":false,"report_after_ms":60000}')
    seen = await served(extender, 0.5, interval_s=0.2, report_s=0.1)
    assert seen.reports == 20
