"""The numbers of filter calls wait for prioritize, which most likely asks for the same ones."""

import asyncio

import pytest

from extender import patience
from extender.patience import Patience
from extender.pods import Pod
from tests.extender.conftest import a_pod

REQUIRED = {"peer_nodes": "node-1", "max_rtt_ms": "5", "mode": "require"}


@pytest.fixture(autouse=True)
def never(monkeypatch):
    """Nothing ends by time alone."""
    monkeypatch.setattr(patience, "PATIENCE_S", 3600.0)


@pytest.fixture
async def ranking(make_bench):
    """A bench with its promise kept by two nodes, which notes how often candidates are ranked."""
    bench = await make_bench()
    await bench.star("node-1", {"node-2": 2.0, "node-3": 3.0, "node-4": 20.0})
    bench.ranked = []
    rank = bench.extender.decider.scorer.rank

    async def noted(*args):
        bench.ranked.append(args)
        return await rank(*args)

    bench.extender.decider.scorer.rank = noted
    return bench


async def finished(work):
    return await asyncio.wait_for(work, 5)


async def test_candidates_are_ranked_once_for_filter_and_prioritize(ranking):
    await ranking.refused(a_pod(**REQUIRED))
    await ranking.scores(a_pod(**REQUIRED), ("node-2", "node-3"))
    await finished(ranking.extender.decider.patience.finish())
    assert len(ranking.ranked) == 1
    (decision,) = ranking.extender.decisions
    assert (decision.outcome, list(decision.table.names)) == ("scored", ["node-2", "node-3"])


async def test_where_filter_leaves_no_choice_the_numbers_are_there_at_once(ranking):
    await ranking.refused(a_pod(**REQUIRED), ("node-2", "node-4"))
    await asyncio.sleep(0)
    (decision,) = ranking.extender.decisions
    assert list(decision.table.names) == ["node-2", "node-4"]


async def test_who_looks_at_a_filter_call_alone_sees_its_numbers(ranking):
    await ranking.refused(a_pod(**REQUIRED))
    response = await ranking.api.get("/v1/decisions/shop/pod")
    (decision,) = (await response.json())["decisions"]
    assert len(decision["nodes"]) == 4
    assert len(ranking.ranked) == 1


async def test_a_pod_that_is_bound_without_prioritize_is_told_with_its_numbers(ranking):
    followup, told = ranking.extender.followup, []
    followup._announcer.bound = told.append
    await ranking.refused(a_pod(**REQUIRED))
    followup.bound(Pod("shop", "pod", "uid-pod", node="node-2"))
    assert told == []
    await finished(ranking.extender.decider.patience.finish())
    assert [(decision.node, decision.outvoted) for decision in told] == [("node-2", False)]
    assert not followup._untold


async def test_a_further_attempt_takes_the_place_of_the_first_ones_numbers(ranking):
    for _ in range(2):
        await ranking.refused(a_pod(**REQUIRED))
    await finished(ranking.extender.decider.patience.finish())
    assert len(ranking.ranked) == 1


async def test_after_a_while_it_goes_on_by_itself(monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE_S", 0.0)
    waiting = Patience()
    async with asyncio.timeout(5), waiting.of(1):
        assert waiting.end(1)
    assert not waiting.end(1)
