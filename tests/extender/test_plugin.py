"""The old plugin's three calls, as its clients know them."""

import json
import statistics
import threading

import numpy as np
import pytest

from extender.errors import Unknown
from extender.plugin import split_pair
from models import artefact
from models.registry import Registry
from scoring.future import future_score, inverse_sum
from tests.models.networks import manifest, network
from tests.models.shared import put_forecast

W = [
    0.382, 0.370, 0.389, 0.434, 0.331, 0.355, 0.361, 0.380, 0.311, 0.374, 0.473, 0.376, 0.357, 0.356, 0.329,
    0.375, 0.373, 0.372, 0.359, 0.357, 0.435, 0.396, 0.354, 0.352, 0.362, 0.364, 0.495, 0.395, 0.343, 0.347,
]  # fmt: skip
OLD = ("master", "node1", "node2", "node3")


async def post(bench, path, body):
    response = await bench.api.post(path, json=body)
    return response, await response.json()


async def test_adf_score_gives_the_old_systems_golden_value_and_nothing_but_a_score(bench):
    response, body = await post(bench, "/adf_score", {"latency": W})
    assert response.status == 200
    assert set(body) == {"score"}
    assert body["score"] == pytest.approx(3.3563404951, abs=1e-9)


@pytest.mark.parametrize(
    ("latency", "reason"),
    [([0.4] * 30, "constant"), ([], "too_short"), ([1.0, 2.0], "too_short"), ([1.0, 2.0] * 15, "degenerate")],
    ids=["constant", "empty", "too short", "periodic"],
)
async def test_adf_score_of_a_window_that_has_none_is_zero_with_a_reason(bench, latency, reason):
    response, body = await post(bench, "/adf_score", {"latency": latency})
    assert (response.status, body) == (200, {"score": 0.0})
    assert response.headers["X-Neilats-Reason"] == reason


@pytest.mark.parametrize("sla", [0.35, "0.35"], ids=["number", "text"])
async def test_predict_scores_the_forecast_against_the_sla(make_bench, sla):
    bench = await make_bench(OLD)
    response, body = await post(bench, "/predict/master2node1", {"latency": W, "sla_time": sla})
    assert response.status == 200
    assert body == {"score": pytest.approx(30 * (0.35 / statistics.median(W) - 1))}
    assert response.headers["X-Neilats-Forecaster"] == "median"


async def predict(bench, pair, latency=W):
    response, body = await post(bench, f"/predict/{pair}", {"latency": latency, "sla_time": 0.35})
    assert response.status == 200, body
    return response.headers["X-Neilats-Forecaster"], body["score"]


@pytest.fixture
async def trained(tmp_path, make_bench):
    """An extender with a shared network, and a model of the pair master2node1."""
    put_forecast(tmp_path, "shared", 2.0)
    artefact.write(tmp_path, manifest("old", pair="master2node1"), network())
    registry = Registry(tmp_path)
    registry.promote("old")
    registry.promote("shared")
    return await make_bench(OLD, models_dir=str(tmp_path), forecaster="auto")


async def test_predict_asks_the_pairs_own_model_first_in_both_directions(trained, tmp_path):
    forecast = Registry(tmp_path).load("old").run({"window": np.array([W], np.float32)})["rtt_ms"]
    score = future_score(inverse_sum(np.maximum(forecast, 1e-3)), 0.35, 30)[0]
    for pair in ("master2node1", "node12master"):
        assert await predict(trained, pair) == ("old", pytest.approx(score, rel=1e-4))


async def test_predict_asks_the_shared_network_for_other_pairs(trained):
    name, score = await predict(trained, "node12node2")
    assert (name, score) == ("shared", pytest.approx(30 * (0.35 / (2 * statistics.mean(W)) - 1), rel=1e-5))


async def test_predict_falls_back_on_the_naive_forecast_for_a_window_of_gaps(trained):
    name, score = await predict(trained, "node12node2", [None] * 27 + [0.7, 0.7, 0.7])
    assert (name, score) == ("median", pytest.approx(-15.0))


async def test_predict_without_a_network_is_the_naive_forecast(make_bench, tmp_path):
    bench = await make_bench(OLD, models_dir=str(tmp_path / "none"), forecaster="median")
    assert (await predict(bench, "node12node2"))[0] == "median"


async def test_predict_computes_off_the_event_loop(trained):
    seen, points = [], trained.extender.models.current.points

    class Spy:
        name = "spy"

        def forecast(self, paths, horizon):
            seen.append(threading.current_thread())
            return points.forecast(paths, horizon)

    trained.extender.models.current = type(trained.extender.models.current)(9, Spy())
    assert (await predict(trained, "node12node2"))[0] == "spy"
    assert seen
    assert seen[0] is not threading.current_thread()


async def test_both_directions_of_a_pair_are_the_same_path(make_bench):
    bench = await make_bench(OLD)
    body = {"latency": W, "sla_time": 0.4}
    assert (await post(bench, "/predict/node12node2", body))[1] == (await post(bench, "/predict/node22node1", body))[1]


async def test_a_lost_sample_is_a_gap_in_the_window(make_bench):
    bench = await make_bench(OLD)
    response, body = await post(bench, "/predict/master2node1", {"latency": [None, *W[1:]], "sla_time": 1})
    assert response.status == 200
    assert body["score"] > 0


BAD = {
    "29 samples": ({"latency": W[1:], "sla_time": 1}, "29"),
    "no samples": ({"sla_time": 1}, "latency"),
    "a negative sample": ({"latency": [-1.0, *W[1:]], "sla_time": 1}, "latency[0]"),
    "a text sample": ({"latency": ["x", *W[1:]], "sla_time": 1}, "latency[0]"),
    "only gaps": ({"latency": [None] * 30, "sla_time": 1}, "no measured"),
    "no SLA": ({"latency": W}, "sla_time"),
    "an SLA of zero": ({"latency": W, "sla_time": 0}, "sla_time"),
    "an SLA of letters": ({"latency": W, "sla_time": "5ms"}, "sla_time"),
    "an SLA that is NaN": ({"latency": W, "sla_time": "nan"}, "sla_time"),
    "a huge SLA": ({"latency": W, "sla_time": 10**400}, "sla_time"),
    "an SLA beyond any score": ({"latency": W, "sla_time": 1e308}, "sla_time"),
}


@pytest.mark.parametrize(("body", "says"), BAD.values(), ids=BAD.keys())
async def test_a_bad_body_is_a_400_that_says_what(make_bench, body, says):
    bench = await make_bench(OLD)
    response, answer = await post(bench, "/predict/master2node1", body)
    assert response.status == 400
    assert says in answer["error"]


async def test_nan_in_a_body_is_a_400(make_bench):
    bench = await make_bench(OLD)
    raw = json.dumps({"latency": [float("nan"), *W[1:]], "sla_time": 1})
    response = await bench.api.post("/predict/master2node1", data=raw, headers={"Content-Type": "application/json"})
    assert response.status == 400


@pytest.mark.parametrize("pair", ["master2nowhere", "master", "2", "master2master", "node1-node2"])
async def test_an_unknown_pair_is_a_404(make_bench, pair):
    bench = await make_bench(OLD)
    response, answer = await post(bench, f"/predict/{pair}", {"latency": W, "sla_time": 1})
    assert response.status == 404
    assert pair in answer["error"]


def test_names_may_hold_the_separator():
    assert split_pair("node12node2", OLD) == ("node1", "node2")
    assert split_pair("a22b2c", ["a2", "b2c"]) == ("a2", "b2c")


def test_an_ambiguous_pair_is_refused_with_its_readings():
    with pytest.raises(Unknown, match="a and b2c or a2b and c"):
        split_pair("a2b2c", ["a", "b2c", "a2b", "c"])


async def test_health_answers_as_it_did(bench):
    response = await bench.api.get("/health")
    assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_there_is_no_shutdown(bench):
    assert (await bench.api.post("/shutdown")).status == 404


async def test_cors_is_off_unless_set(make_bench):
    closed, open_ = await make_bench(OLD), await make_bench(OLD, cors_origin="*")
    for bench, origin in ((closed, None), (open_, "*")):
        response, _ = await post(bench, "/adf_score", {"latency": W})
        assert response.headers.get("Access-Control-Allow-Origin") == origin
    assert (await open_.api.options("/predict/master2node1")).headers["Access-Control-Allow-Methods"] == "POST"
