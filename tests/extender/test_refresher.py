"""Forecasts computed ahead: only what pods asked for lately, within a share of one core."""

import pytest

from extender.refresher import Refresher
from models.holder import Models
from tests.extender.forecasting import INTERVAL_S, Field, Judge


@pytest.fixture
def field():
    field = Field()
    field.measure(slots=20)
    yield field
    field.worker.close()


class Slept:
    def __init__(self):
        self.seconds = []

    async def __call__(self, seconds):
        self.seconds.append(seconds)


def refresher(field, share=0.25, sleep=None):
    return Refresher(
        field.violations, field.skill, field.gather, INTERVAL_S, share, lambda: field.now, sleep or Slept()
    )


async def test_what_was_asked_for_is_ready_before_the_next_pod_asks(field):
    ahead = refresher(field)
    await field.ask(keep_fresh=True)
    for _ in range(10):
        field.measure()
        await ahead.refresh()
    assert len(field.judge.asked) == 11
    await field.ask(keep_fresh=True)
    assert len(field.judge.asked) == 11
    assert field.metric("neilats_extender_forecast_rows_total", why="refreshed") == 40


async def test_windows_that_have_not_moved_are_not_computed_again(field):
    await field.ask(keep_fresh=True)
    await refresher(field).refresh()
    field.measure(names=["node-1"])
    await refresher(field).refresh()
    assert field.judge.asked == [4, 1]


async def test_what_nobody_asked_for_lately_is_left_alone(field):
    await field.ask()  # for the record of a decision, not for a pod's placement
    field.measure()
    await refresher(field).refresh()
    await field.ask(["node-0"], keep_fresh=True)
    field.measure()
    await refresher(field).refresh()
    assert field.judge.asked == [4, 1]
    field.measure(slots=61)
    await refresher(field).refresh()
    assert field.judge.asked == [4, 1]


async def test_other_models_compute_what_they_serve(field):
    await field.ask(keep_fresh=True)
    field.models = Models(2, estimator=Judge(0.75, name="newer"))
    await refresher(field).refresh()
    assert field.models.estimator.asked == [4]


async def test_rounds_begin_once_an_interval_however_long_they_take(field):
    began = []

    class Enough(Exception):
        pass

    class Slow(Refresher):
        async def refresh(self):
            began.append(field.now)
            field.now += INTERVAL_S * (0.8 if len(began) < 3 else 1.5)

    async def sleep(seconds):
        if len(began) == 4:
            raise Enough
        field.now += seconds

    begin = field.now
    ahead = Slow(field.violations, field.skill, field.gather, INTERVAL_S, 0.25, lambda: field.now, sleep)
    with pytest.raises(Enough):
        await ahead.run()
    assert [(at - begin) / INTERVAL_S for at in began] == pytest.approx([1.0, 2.0, 3.0, 4.5])


async def test_work_is_followed_by_rest_in_proportion(field):
    sleep = Slept()
    await field.ask(keep_fresh=True)
    field.measure()
    before = field.metric("neilats_extender_forecast_seconds_total")
    await refresher(field, 0.25, sleep).refresh()
    worked = field.metric("neilats_extender_forecast_seconds_total") - before
    assert sum(sleep.seconds) == pytest.approx(3 * worked)
    assert worked > 0


async def test_a_whole_core_rests_never(field):
    sleep = Slept()
    await field.ask(keep_fresh=True)
    field.measure()
    await refresher(field, 1.0, sleep).refresh()
    assert sum(sleep.seconds) == 0
