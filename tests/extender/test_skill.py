"""A model of violations is used only while it is better than the naive forecast."""

import numpy as np
import pytest

from extender.refresher import Refresher
from models.holder import Models
from scoring import skill
from tests.extender.forecasting import INTERVAL_S, Field, Judge


@pytest.fixture
def field():
    field = Field()
    field.measure(slots=64)
    yield field
    field.worker.close()


async def live(field, slots, rtt_ms=2.0, names=None):
    """Let so many slots pass in which pods ask now and then."""
    for slot in range(slots):
        field.measure(rtt_ms, names=names)
        if slot % skill.HORIZON_SLOTS % 5 == 0:
            await field.ask()
        list(field.skill.settling(field.now))


async def test_a_model_that_loses_is_put_aside_and_taken_back_when_it_wins(field):
    field.judge.answer = 0.9  # of paths that always keep the SLA
    assert (await field.ask()).forecaster == ["judge"] * 4
    await live(field, 220)
    found = await field.ask()
    assert found.forecaster == ["naive"] * 4
    assert found.model.tolist() == pytest.approx([0.9] * 4)  # it is computed, and scored, all the same
    assert found.value.tolist() == found.naive.tolist()
    assert field.metric("neilats_forecast_skill_ratio") < -1
    assert field.metric("neilats_forecast_groups", state="naive") == 4
    await foresee(field, phases=100)
    assert (await field.ask()).forecaster == ["judge"] * 4
    assert field.metric("neilats_forecast_skill_ratio") > skill.MARGIN


async def foresee(field, phases):
    """Let the model say what will come, now this and now that, which the past does not tell."""
    for phase in range(phases):
        field.judge.answer, rtt_ms = (1.0, 9.0) if phase % 2 else (0.0, 2.0)
        await field.ask()
        field.measure(rtt_ms, slots=skill.HORIZON_SLOTS)
        list(field.skill.settling(field.now))


async def test_a_model_that_is_better_stays(field):
    field.judge.answer = 0.0
    field.measure(9.0, slots=20)  # the past breaks the SLA, the time ahead does not
    await live(field, 300)
    found = await field.ask()
    assert found.by_model.all()
    model, naive = found.brier
    assert (model < naive).all()
    assert field.metric("neilats_forecast_groups", state="model") == 4


async def test_each_node_is_judged_by_its_own_paths(field):
    field.judge.answer = 1.0  # right for node-0, of which the past says otherwise, and wrong for node-1
    for slot in range(220):
        field.measure(9.0, names=["node-0"])
        field.now -= INTERVAL_S
        field.measure(2.0, names=["node-1"])
        if slot % 5 == 0:
            await field.ask(["node-0", "node-1"])
        list(field.skill.settling(field.now))
    assert field.skill.trusted(["node-0", "node-1"]).tolist() == [True, False]


async def test_forecasts_of_one_peer_are_recorded_five_slots_apart(field):
    for _ in range(10):
        field.measure()
        await field.ask()
    assert len(field.skill._waiting) == 2


async def test_another_model_begins_with_a_clean_record(field):
    field.judge.answer = 0.9
    await live(field, 220)
    field.models = Models(2, estimator=Judge(0.0, name="newer"))
    assert (await field.ask()).forecaster == ["newer"] * 4


async def test_a_new_node_is_judged_by_the_record_of_all(field):
    field.judge.answer = 0.9
    await live(field, 220)
    assert field.skill.trusted(["never-seen"]).tolist() == [False]


async def test_what_could_not_be_measured_counts_for_nobody(field):
    field.judge.answer = 0.9
    await field.ask()
    field.now += 31 * INTERVAL_S
    list(field.skill.settling(field.now))
    assert field.metric("neilats_forecast_groups", state="model") == 0


async def test_the_refresher_records_and_settles_while_nobody_asks(field):
    field.judge.answer = 0.9
    ahead = Refresher(field.violations, field.skill, field.gather, INTERVAL_S, 1.0, lambda: field.now)
    await field.ask(keep_fresh=True)
    for _ in range(45):
        field.measure()
        await ahead.refresh()
        list(field.skill.settling(field.now))
    assert field.metric("neilats_forecast_brier", forecaster="model") == pytest.approx(0.81, rel=1e-3)


async def test_many_forecasts_are_settled_in_steps_and_all_of_them_count():
    field = Field(2500)
    field.measure(slots=30)
    await field.ask()
    for _ in range(31):
        field.measure()
    steps = len(list(field.skill.settling(field.now)))
    assert steps == 3
    model, naive = field.skill.brier(field.names)
    np.testing.assert_allclose(model, 0.25**2)
    np.testing.assert_allclose(naive, 0.0, atol=1e-9)
    field.worker.close()
