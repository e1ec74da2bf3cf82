"""Forecast violations: remembered, computed within the deadline, or naive."""

import asyncio

import numpy as np
import pytest

from extender.violationtable import ViolationTables
from models.holder import Models
from scoring.attainment import naive_violation
from tests.extender.forecasting import Field, Judge


@pytest.fixture
def make_field():
    made = []

    def make(*args, **kwargs):
        made.append(Field(*args, **kwargs))
        made[-1].measure(slots=20)
        return made[-1]

    yield make
    for field in made:
        field.worker.close()


def soon(seconds=1.0):
    return asyncio.get_running_loop().time() + seconds


async def test_a_new_peers_violations_are_computed_off_the_event_loop(make_field):
    field = make_field()
    found = await field.ask(until=soon())
    np.testing.assert_allclose(found.value, 0.25)
    assert found.forecaster == ["judge"] * 4
    assert field.judge.threads == {"analysis_0"}
    assert field.metric("neilats_extender_forecast_rows_total", why="asked") == 4


async def test_what_is_at_most_two_intervals_old_is_served_without_computing(make_field):
    field = make_field()
    await field.ask()
    for _ in range(2):
        field.measure()
        await field.ask()
    assert len(field.judge.asked) == 1
    assert field.metric("neilats_extender_forecast_cache_total", outcome="hit") == 8
    field.measure()
    await field.ask()
    assert len(field.judge.asked) == 2


async def test_only_the_candidates_that_are_missing_are_computed(make_field):
    field = make_field()
    await field.ask(["node-0", "node-1"])
    await field.ask()
    assert field.judge.asked == [2, 2]


async def test_another_generation_of_models_computes_anew(make_field):
    field = make_field()
    await field.ask()
    field.models = Models(2, estimator=Judge(0.75, name="newer"))
    found = await field.ask()
    np.testing.assert_allclose(found.value, 0.75)
    assert found.forecaster == ["newer"] * 4


async def test_what_is_late_is_naive_now_and_there_for_the_next_who_asks(make_field):
    field = make_field()
    field.judge.gate.clear()
    found = await field.ask(until=soon(0.01))
    assert found.late
    assert found.forecaster == ["naive"] * 4
    np.testing.assert_array_equal(found.value, naive_violation(field.gathered().paths, 5.0))
    assert field.metric("neilats_extender_forecast_cache_total", outcome="late") == 4
    field.judge.gate.set()
    assert (await field.ask(until=soon())).forecaster == ["judge"] * 4
    assert len(field.judge.asked) == 1


async def test_many_callers_at_once_share_one_computation(make_field):
    field = make_field()
    found = await asyncio.gather(*(field.ask(until=soon()) for _ in range(10)))
    assert all(f.by_model.all() for f in found)
    assert len(field.judge.asked) == 1


async def test_many_rows_are_computed_in_pieces_while_the_loop_goes_on(make_field):
    field = make_field(1100)
    field.judge.gate.clear()
    asking = asyncio.create_task(field.ask())
    for _ in range(100):
        await asyncio.sleep(0)  # would never return if the loop computed
    assert not asking.done()
    field.judge.gate.set()
    assert (await asking).by_model.all()
    assert field.judge.asked == [500, 500, 100]


async def test_a_model_that_fails_leaves_the_naive_answer(make_field):
    field = make_field()
    field.judge.violation = lambda paths, sla_ms: 1 / 0
    found = await field.ask(until=soon())
    assert not found.by_model.any()
    assert not np.isnan(found.value).any()


async def test_a_path_with_too_few_samples_is_asked_about_again_with_the_next_one(make_field):
    field = make_field(judge=Judge(np.nan))
    await field.ask()
    await field.ask()
    assert field.judge.asked == [4]
    field.judge.answer = 0.25
    field.measure(names=["node-1"])
    assert (await field.ask()).forecaster == ["naive", "judge", "naive", "naive"]


async def test_without_an_estimator_the_naive_answer_is_all(make_field):
    field = make_field()
    field.models = Models()
    found = await field.ask()
    assert (found.name, found.forecaster) == ("", ["naive"] * 4)
    np.testing.assert_array_equal(found.value, found.naive)


async def test_unknown_nodes_are_unknown_and_not_remembered(make_field):
    field = make_field()
    found = await field.ask(["node-0", "nobody", "peer"])
    assert np.isnan(found.value).tolist() == [False, True, True]
    (table,) = (t for _, _, t in field.violations.tables.items())
    assert len(table) == 1


async def test_a_path_that_went_stale_is_not_answered_from_memory(make_field):
    field = make_field()
    await field.ask()
    field.now += 45.0
    assert np.isnan((await field.ask()).value).all()


def test_tables_are_bounded_by_number_and_rows_and_the_last_used_stay():
    tables = ViolationTables(entries=3, rows=10)
    for i in range(5):
        tables.of("peer", float(i)).places(["a", "b"])
        tables.shrink()
    tables.of("peer", 2.0)
    assert [sla_ms for _, sla_ms, _ in tables.items()] == [3.0, 4.0, 2.0]
    tables.of("other", 1.0).places([str(i) for i in range(9)])
    tables.shrink()
    assert [(peer, len(t)) for peer, _, t in tables.items()] == [("other", 9)]


def test_what_nobody_wants_any_more_is_forgotten():
    tables = ViolationTables()
    table = tables.of("peer", 1.0)
    places = table.places(["a", "b", "c"])
    table.asked(places[:1], 50.0)
    table.put(places[1:2], np.array([0.5]), 1, np.array([7]), np.array([8]), 60.0)
    list(tables.tidying(40.0))
    assert len(table) == 2
    assert table.values(table.places(["b"])).tolist() == [0.5]
    list(tables.tidying(100.0))
    assert len(tables) == 0
