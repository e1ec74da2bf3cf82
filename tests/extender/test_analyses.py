"""What decisions show of their paths besides the costs: computed for all decisions of a while together."""

import asyncio

import numpy as np
import pytest

from extender import analyses
from tests.extender.conftest import a_pod

NEAR = {"node-2": 2.0, "node-3": 3.0, "node-4": 20.0}


class Counting:
    """An analyst that notes how many windows it was given."""

    def __init__(self, analyst):
        self.rows, self._analyse = [], analyst.analyse
        analyst.analyse = self

    async def __call__(self, windows):
        self.rows.append(len(windows.rows))
        return await self._analyse(windows)


@pytest.fixture
async def counted(bench):
    """A bench of paths that were measured, and the analyst."""
    await bench.star("node-1", NEAR)
    await bench.star("node-2", {"node-3": 5.0})
    return bench, Counting(bench.extender.analyst)


async def decided(bench, count=1, peer="node-1"):
    for i in range(count):
        await bench.scores(a_pod(f"pod-{peer}-{i}", peer_nodes=peer))


def shown(bench):
    """[decisions] whether every one has its ADF scores."""
    return ["adf_score" in d.table.rows()[0]["paths"][0] for d in bench.extender.decisions]


async def test_a_new_peers_first_decision_is_analysed_at_once(counted, monkeypatch):
    bench, _ = counted
    monkeypatch.setattr(analyses, "PAUSE_S", 3600.0)
    running = asyncio.create_task(bench.extender.followup.run())
    for peer in ("node-1", "node-2"):
        await decided(bench, peer=peer)
        async with asyncio.timeout(5):
            while not shown(bench)[0]:
                await asyncio.sleep(0.01)
    await decided(bench, 2)
    await asyncio.sleep(0.05)
    running.cancel()
    assert shown(bench) == [False, True, False]  # of a known peer they wait for others


async def test_what_is_known_is_computed_once_for_all_decisions_and_shown_by_each(counted):
    bench, analyst = counted
    work = bench.extender.followup._analyses
    await decided(bench, 5)
    await work.work_off()
    await decided(bench, 5)
    await work.work_off()
    assert analyst.rows == [4]
    assert shown(bench) == [True] * 5  # by name of the pod: an attempt more of each


async def test_of_few_decisions_paths_that_moved_are_analysed_again(counted):
    bench, analyst = counted
    work = bench.extender.followup._analyses
    await decided(bench)
    await work.work_off()
    await bench.star("node-1", {"node-2": 9.0}, 1)
    await decided(bench)
    await work.work_off()
    assert analyst.rows == [4, 1]


async def test_of_many_decisions_paths_that_moved_wait_until_an_interval_is_over(counted):
    bench, analyst = counted
    work = bench.extender.followup._analyses
    await decided(bench)
    await work.work_off()
    bench.clock.forward(1)
    await bench.star("node-1", {"node-2": 9.0}, 1)
    await decided(bench, analyses.MANY + 1)
    await work.work_off()
    assert analyst.rows == [4]
    assert all(shown(bench))
    bench.clock.forward(10)
    await bench.star("node-1", {"node-2": 9.0}, 1)
    await decided(bench, analyses.MANY + 1)
    await work.work_off()
    assert analyst.rows[1:] == [1]


async def test_of_many_decisions_paths_that_nobody_looked_at_within_an_interval_do_not_wait(counted):
    bench, analyst = counted
    work = bench.extender.followup._analyses
    await decided(bench)
    await work.work_off()
    bench.clock.forward(11)
    await bench.star("node-1", {"node-2": 9.0, "node-3": 9.0}, 1)
    await bench.scores(a_pod("pod-of-few", peer_nodes="node-1"), ("node-2",))
    await work.work_off()
    await decided(bench, analyses.MANY + 1)
    await work.work_off()
    assert analyst.rows == [4, 1, 1]  # node-3's is no newer for node-2's having been looked at


async def test_peers_that_were_not_asked_for_lately_are_forgotten(counted, monkeypatch):
    bench, _ = counted
    monkeypatch.setattr(analyses, "KNOWN", 1)
    work = bench.extender.followup._analyses
    for peer in ("node-2", "node-1"):
        await decided(bench, peer=peer)
        await work.work_off()
    assert [standing.peer for standing in work._known] == ["node-1"]
    assert shown(bench) == [True, True]


async def test_what_is_gone_is_not_analysed(make_bench):
    bench = await make_bench(decisions_kept=1)
    await bench.star("node-1", NEAR)
    await bench.star("node-2", {"node-3": 5.0})
    analyst = Counting(bench.extender.analyst)
    await decided(bench, peer="node-2")
    await decided(bench)
    await bench.extender.followup._analyses.work_off()
    assert analyst.rows == [4]


async def test_it_does_not_rest_where_nobody_waits_or_a_new_peer_does(counted):
    bench, _ = counted
    work, before = bench.extender.followup._analyses, -1e6  # a rest after so long would never end
    async with asyncio.timeout(5):
        await work._rest(before)
        await decided(bench)
        await work._rest(before)
    await work.work_off()
    work._news.clear()
    await decided(bench)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await work._rest(before)


async def test_forecast_violations_of_the_answer_are_shown_as_they_counted(bench):
    await bench.star("node-1", NEAR)
    await bench.scores(a_pod(peer_nodes="node-1", max_rtt_ms="5"))
    await bench.extender.followup._analyses.work_off()
    (decision,) = bench.extender.decisions
    part = decision.table._parts[0]
    (path,) = decision.table.paths
    np.testing.assert_array_equal(
        path.columns["violation_naive"], part.snapshot.columns["naive"][decision.table.candidates.places]
    )
    assert path.columns["violation_naive"][3] == pytest.approx(1.0)
