"""Forecasts in the whole extender: models from a directory, answers within the deadline, reloads under load."""

import asyncio
import threading

import pytest

from models.holder import Models
from models.registry import Registry
from scoring.profiles import PROFILES
from tests.extender.conftest import a_pod
from tests.extender.forecasting import Judge
from tests.models.shared import put_forecast, put_violation

NEAR_1 = {"node-2": 2.0, "node-3": 9.0, "node-4": 30.0}
POD = a_pod(peer_nodes="node-1", max_rtt_ms="5", profile="forecast")


@pytest.fixture
async def place(tmp_path, make_bench):
    """An extender with both networks: points of twice the mean, violations by the sequence's sign."""
    put_forecast(tmp_path, "two", 2.0)
    put_forecast(tmp_path, "three", 3.0)
    put_violation(tmp_path, "judge", 0.5, slope=0.4)
    put_violation(tmp_path, "other", 0.5, slope=-0.4)
    registry = Registry(tmp_path)
    registry.promote("two")
    registry.promote("judge")
    bench = await make_bench(models_dir=str(tmp_path), forecaster="auto")
    bench.registry = registry
    await bench.star("node-1", NEAR_1, 30)
    return bench


async def what_if(bench, **body):
    response = await bench.api.post("/v1/scores", json={"peer": "node-1", **body})
    assert response.status == 200, await response.text()
    return (await response.json())["nodes"]


async def test_the_forecast_profile_scores_by_the_networks_violations(place):
    scores = await place.scores(POD, ("node-2", "node-3", "node-4"))
    assert scores == {"node-2": 10, "node-3": 0, "node-4": 0}
    row = (await what_if(place, sla_ms=5, profile="forecast"))["node-2"]
    assert row["cost"] == pytest.approx(0.1)
    assert row["forecaster"] == "judge"


async def test_scores_show_both_forecasts_of_violations_and_their_record(place):
    rows = await what_if(place, sla_ms=5, profile="forecast")
    row = rows["node-3"]
    assert (row["violation_model"], row["violation_naive"]) == (pytest.approx(0.9), pytest.approx(1.0))
    assert (row["brier_model"], row["brier_naive"]) == (None, None)
    assert row["forecaster"] == "judge"
    assert row["forecast_ms"] == pytest.approx(18.0)
    assert (rows["node-1"]["violation_model"], rows["node-1"]["violation_naive"]) == (None, None)
    assert "violation_model" not in (await what_if(place))["node-3"]


async def test_without_an_sla_the_profile_ranks_by_what_was_measured_and_shows_the_networks_points(place):
    row, attainment = [(await what_if(place, profile=name))["node-3"] for name in ("forecast", "attainment")]
    assert (row["cost"], row["unit"]) == (attainment["cost"], "ms")
    assert row["forecaster"] == "two"


async def test_a_model_that_is_not_trusted_is_shown_but_does_not_count(place):
    await what_if(place, sla_ms=5)
    place.extender.skill._overall[:] = False
    row = (await what_if(place, sla_ms=5, profile="forecast"))["node-3"]
    assert (row["forecaster"], row["violation_model"]) == ("naive", pytest.approx(0.9))
    attainment = (await what_if(place, sla_ms=5, profile="attainment"))["node-3"]
    assert row["cost"] == attainment["cost"]


async def test_a_forecast_that_is_late_leaves_the_naive_answer_and_says_so(place):
    judge = Judge()
    judge.gate.clear()
    place.extender.models.current = Models(99, estimator=judge)
    assert max((await place.scores(POD)).values()) == 10
    judge.gate.set()
    (decision,) = place.extender.decisions
    assert decision.outcome == "scored"
    assert "not ready in time" in decision.reason
    assert {path["forecaster"] for row in decision.table.rows() for path in row["paths"]} == {"naive"}
    assert place.metric("neilats_extender_calls_total", verb="prioritize", outcome="scored") == 1


async def test_forecasts_that_are_remembered_count_as_hits_and_others_as_misses(place):
    def counted():
        found = (place.metric("neilats_extender_forecast_cache_total", outcome=o) for o in ("hit", "miss"))
        return tuple(found)

    await place.scores(POD, ("node-2", "node-3"))
    assert counted() == (0, 2)
    await place.scores(POD, ("node-2", "node-3", "node-4"))
    assert counted() == (2, 3)
    await place.scores(POD, ("node-1", "node-2"))  # the peer itself needs none
    assert counted() == (3, 3)


async def test_inference_never_runs_on_the_event_loop(place):
    judge = Judge()
    place.extender.models.current = Models(99, estimator=judge)
    await place.scores(POD)
    assert judge.threads
    assert threading.current_thread().name not in judge.threads


async def test_a_promotion_is_followed_without_a_failed_call(place):
    answers, going = [], True

    async def ask():
        while going:
            answers.append(tuple(sorted((await place.scores(POD, ("node-2", "node-3"))).items())))

    callers = [asyncio.create_task(ask()) for _ in range(8)]
    for name in ("other", "judge", "other"):
        await asyncio.to_thread(place.registry.promote, name)
        await place.extender.reloader.refresh()
        await asyncio.sleep(0.1)
    going = False
    await asyncio.gather(*callers)
    assert set(answers) == {(("node-2", 10), ("node-3", 0)), (("node-2", 0), ("node-3", 10))}
    assert place.metric("neilats_extender_calls_total", verb="prioritize", outcome="error") == 0
    assert place.metric("neilats_extender_model_loads_total", outcome="loaded") == 5
    assert place.extender.models.current.estimator.name == "other"


async def test_a_corrupt_promotion_is_counted_and_leaves_the_old_model(place, caplog):
    place.registry.promote("other")
    (place.registry.directory / "other.onnx").write_bytes(b"PK\x03\x04")
    for _ in range(3):
        await place.extender.reloader.refresh()
    assert place.extender.models.current.estimator.name == "judge"
    assert place.metric("neilats_extender_model_loads_total", outcome="failed") == 1
    assert "other.onnx" in str(caplog.records[-1].why)
    assert (await place.scores(POD, ("node-2", "node-3")))["node-2"] == 10


async def test_the_reloader_looks_by_itself(place):
    place.extender.reloader._poll_s = 0.01
    looking = asyncio.create_task(place.extender.reloader.run())
    place.registry.promote("three")
    for _ in range(200):
        await asyncio.sleep(0.01)
        if place.extender.models.current.points.name == "three":
            break
    looking.cancel()
    assert place.extender.models.current.points.name == "three"
    assert (await what_if(place, sla_ms=5))["node-2"]["forecast_ms"] == pytest.approx(6.0)


async def test_the_seeds_future_score_takes_the_networks_points(place):
    row = (await what_if(place, sla_ms=50, profile="seed"))["node-2"]
    assert row["future_score"] == pytest.approx(30 * (50 / 4.0 - 1), rel=1e-5)
    assert PROFILES["seed"].forecast == "points"
