"""Analyses of paths: computed beside the event loop, once for each window and generation of models."""

import asyncio
import threading

import numpy as np
import pytest

from extender.analysis import Analyst
from extender.evaluate import ReadyForecast, evaluate
from models.holder import Models
from models.runtime.networks import Networks
from scoring.forecast import HORIZON_SLOTS, QuantileForecast
from scoring.profiles import PROFILES
from tests.extender.forecasting import Field, Judge


class Doubling:
    """Forecasts twice the newest sample, for windows of which it knows any."""

    name = "doubling"

    def __init__(self):
        self.rows, self.threads = [], set()

    def forecast(self, paths, horizon):
        self.rows.append(len(paths.windows))
        self.threads.add(threading.current_thread())
        known = np.isfinite(paths.windows[:, -1])
        flat = np.repeat(2 * paths.windows[:, -1:], horizon, axis=1)
        return QuantileForecast(flat, np.array([0.5]), flat[:, :1], known)


@pytest.fixture
def field():
    field = Field()
    field.points = Doubling()
    field.models = Models(1, field.points)
    field.analyst = Analyst(field.store, lambda: field.models, field.worker)
    field.measure(slots=20)
    yield field
    field.worker.close()


async def test_a_window_is_forecast_once_until_it_moves_on(field):
    for _ in range(3):
        analysis = await field.analyst.analyse(field.gathered())
    assert field.points.rows == [4]
    assert analysis.forecast_ms.tolist() == [4.0] * 4
    assert analysis.forecaster == ["doubling"] * 4
    field.measure(names=["node-2"])
    await field.analyst.analyse(field.gathered())
    assert field.points.rows == [4, 1]


async def test_another_generation_of_models_forecasts_anew(field):
    await field.analyst.analyse(field.gathered())
    field.models = Models(2, field.points)
    await field.analyst.analyse(field.gathered())
    assert field.points.rows == [4, 4]


async def test_where_the_model_knows_nothing_the_median_is_shown_under_its_name(field):
    field.measure(np.inf, names=["node-0"])
    analysis = await field.analyst.analyse(field.gathered())
    assert analysis.forecaster == ["median", *["doubling"] * 3]
    assert analysis.forecast_ms.tolist() == [2.0, 4.0, 4.0, 4.0]


async def test_the_event_loop_computes_nothing(field):
    await field.analyst.analyse(field.gathered())
    assert threading.current_thread() not in field.points.threads


async def test_who_gives_up_leaves_the_results_to_the_next(field):
    gate = threading.Event()
    busy = field.worker.start(field.worker.run(gate.wait))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await field.analyst.points(field.gathered())
    gate.set()
    await busy
    await field.worker.run(lambda: None)
    await field.analyst.points(field.gathered())
    assert field.points.rows == [4]


async def test_a_replay_asks_the_networks_for_what_the_profile_needs(field):
    gathered, judge = field.gathered(), Judge(0.25)
    both = Networks(field.points, judge)
    under_sla = evaluate([gathered], PROFILES["forecast"], 5.0, "all", (1.0,), both)
    np.testing.assert_allclose(under_sla.costs.cost, 0.25)
    assert field.points.rows == []
    by_rtt = evaluate([gathered], PROFILES["forecast"], None, "all", (1.0,), both)
    np.testing.assert_allclose(by_rtt.costs.cost, 2.0)  # what was measured; no network is asked
    assert field.points.rows == []
    assert judge.asked == [4]


def test_prepared_violations_answer_for_their_sla_only():
    ready = ReadyForecast.of_violations(np.array([0.5]), np.array([True]), 5.0)
    assert ready.violation(5.0).tolist() == [0.5]
    assert ready.rtt_ms.shape == (1, HORIZON_SLOTS)
    with pytest.raises(ValueError, match=r"5\.0 ms were prepared"):
        ready.violation(6.0)
