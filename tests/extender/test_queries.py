"""`/v1`, health, metrics and the API's description."""

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families

from extender.pods import Pod
from prober.compact import MEDIA_TYPE
from tests.extender.conftest import NODES, a_pod

NEAR_1 = {"node-2": 2.0, "node-3": 9.0, "node-4": 30.0}


async def get(bench, path):
    response = await bench.api.get(path)
    return response.status, await response.json()


async def what_if(bench, **body):
    response = await bench.api.post("/v1/scores", json=body)
    assert response.status == 200, await response.text()
    return await response.json()


async def test_scores_tell_every_part_of_every_nodes_score(bench):
    await bench.measured("node-2", "node-1", [2.0 + 0.1 * (i * 7 % 5) for i in range(39)] + [-1.0])
    answer = await what_if(bench, peer="node-1", sla_ms=5, nodes=["node-2", "node-3"])
    assert (answer["peer"], answer["sla_ms"], answer["profile"], answer["unit"]) == (
        "node-1",
        5,
        "forecast",
        "violation",
    )
    row = answer["nodes"]["node-2"]
    assert row["score"] == 10
    assert row["last_ms"] == "inf"
    assert row["loss"] == pytest.approx(1 / 40)
    assert row["coverage"] == pytest.approx(40 / 64)
    assert row["age_s"] == 0
    assert row["forecast_ms"] == pytest.approx(2.2)
    assert row["future_score"] == pytest.approx(30 * (5 / 2.2 - 1), rel=1e-5)
    assert row["adf_score"] is not None
    assert row["forecaster"] == "naive"
    assert row["direction"] == "forward"
    unknown = answer["nodes"]["node-3"]
    assert (unknown["cost"], unknown["status"], unknown["mean_ms"]) == (0.5, "unknown", None)


async def test_scores_default_to_all_nodes_and_a_ranking_by_rtt(bench):
    await bench.star("node-1", NEAR_1)
    answer = await what_if(bench, peer="node-1")
    assert list(answer["nodes"])[:2] == ["node-1", "node-2"]  # best first
    assert set(answer["nodes"]) == set(NODES)
    assert (answer["sla_ms"], answer["unit"]) == (None, "ms")


async def test_a_what_if_leaves_no_decision_behind(bench):
    await what_if(bench, peer="node-1")
    assert (await get(bench, "/v1/decisions")) == (200, {"decisions": []})


async def test_a_window_is_shown_as_it_was_measured(bench):
    await bench.measured("node-2", "node-1", [1.5, -1, None, 2.5])
    status, body = await get(bench, "/v1/windows/node-2/node-1")
    assert status == 200
    assert body["rtt_ms"] == [None] * 60 + [1.5, -1.0, None, 2.5]
    assert (body["samples"], body["median_ms"], body["interval_s"]) == (3, 2.0, 10.0)
    status, body = await get(bench, "/v1/windows/node-1/node-2")
    assert (status, "node-1 -> node-2" in body["error"]) == (404, True)


async def test_the_matrix_lists_what_is_known_and_can_be_narrowed(bench):
    await bench.star("node-1", NEAR_1)
    _, body = await get(bench, "/v1/matrix")
    assert {(p["source"], p["target"]): p["median_ms"] for p in body["paths"]} == {
        (n, "node-1"): rtt for n, rtt in NEAR_1.items()
    }
    _, body = await get(bench, "/v1/matrix?source=node-3")
    assert [p["source"] for p in body["paths"]] == ["node-3"]
    _, body = await get(bench, "/v1/matrix?target=node-3")
    assert body["paths"] == []


async def decided(bench, name="pod", **intent):
    await bench.scores(a_pod(name, **intent))


async def test_a_decision_is_recorded_with_its_parts_and_completed_with_the_node(bench):
    await bench.star("node-1", NEAR_1)
    following = asyncio.create_task(bench.extender.followup.run())
    await decided(bench, peer_nodes="node-1", max_rtt_ms="10")
    for _ in range(200):
        _, body = await get(bench, "/v1/decisions/shop/pod")
        if "adf_score" in body["decisions"][0]["nodes"][1]["paths"][0]:
            break
        await asyncio.sleep(0.01)
    following.cancel()
    (decision,) = body["decisions"]
    assert (decision["outcome"], decision["intent"]["max_rtt_ms"], decision["peers"]) == ("scored", 10, ["node-1"])
    assert decision["node"] is None
    path = next(r for r in decision["nodes"] if r["node"] == "node-2")["paths"][0]
    assert (path["peer"], path["median_ms"], path["adf_score"]) == ("node-1", 2.0, 0.0)
    bench.extender.followup.bound(Pod("shop", "pod", "uid-pod", node="node-4"))
    _, body = await get(bench, "/v1/decisions/shop/pod")
    assert (body["decisions"][0]["node"], body["decisions"][0]["outvoted"]) == ("node-4", True)
    assert bench.metric("neilats_extender_bound_pods_total", outvoted="true") == 1


async def test_filter_and_prioritize_of_one_attempt_are_one_record(bench):
    await bench.star("node-1", NEAR_1)
    pod = a_pod(peer_nodes="node-1", max_rtt_ms="10", mode="require")
    await bench.refused(pod)
    await bench.scores(pod, ("node-1", "node-2", "node-3"))
    _, body = await get(bench, "/v1/decisions/shop/pod")
    (decision,) = body["decisions"]
    assert decision["failed"] == {"node-4": "path to node-1 breaks 10 ms"}
    assert (decision["outcome"], len(decision["nodes"]), decision["candidates"]) == ("scored", 3, 4)


async def test_equal_attempts_of_a_waiting_pod_are_counted_not_listed(bench):
    await bench.star("node-1", NEAR_1)
    for _ in range(3):
        await bench.refused(a_pod(peer_nodes="node-1", max_rtt_ms="1", mode="require"), ("node-2", "node-3"))
    _, body = await get(bench, "/v1/decisions/shop/pod")
    assert [(d["outcome"], d["attempts"]) for d in body["decisions"]] == [("filtered", 3)]


async def test_decisions_are_newest_first_bounded_and_narrowed(make_bench):
    bench = await make_bench(decisions_kept=3)
    for i in range(5):
        await decided(bench, f"pod-{i}", peer_nodes="node-1")
    _, body = await get(bench, "/v1/decisions")
    assert [d["pod"] for d in body["decisions"]] == ["pod-4", "pod-3", "pod-2"]
    _, body = await get(bench, "/v1/decisions?limit=1")
    assert len(body["decisions"]) == 1
    _, body = await get(bench, "/v1/decisions?namespace=other")
    assert body["decisions"] == []
    assert (await get(bench, "/v1/decisions?limit=x"))[0] == 400


async def test_a_pod_never_decided_about_is_a_404_that_helps(bench):
    status, body = await get(bench, "/v1/decisions/shop/ghost")
    assert status == 404
    assert "shop/ghost" in body["error"]


async def test_ready_waits_for_most_probers_but_not_for_ever(bench, clock):
    status, body = await get(bench, "/readyz")
    assert (status, body["reports"]) == (503, "0 of 4 probers have reported after 0 s")
    await bench.star("node-1", NEAR_1)
    assert (await get(bench, "/readyz"))[0] == 503  # 3 of 4 are not 80 %
    await bench.report("node-1", {})
    assert await get(bench, "/readyz") == (200, {"status": "ok"})


async def test_ready_after_a_minute_without_reports(bench, clock):
    clock.forward(59)
    assert (await get(bench, "/readyz"))[0] == 503
    clock.forward(1)
    assert (await get(bench, "/readyz"))[0] == 200
    bench.extender.health.stopping = True
    assert (await get(bench, "/readyz"))[0] == 503
    assert (await get(bench, "/healthz"))[0] == 200


async def test_metrics_are_valid_have_no_pair_labels_and_count(bench):
    await bench.star("node-1", NEAR_1)
    await decided(bench, peer_nodes="node-1")
    text = await (await bench.api.get("/metrics")).text()
    samples = {
        (s.name, frozenset(s.labels.items())): s.value for f in text_string_to_metric_families(text) for s in f.samples
    }
    assert samples["neilats_extender_windows", frozenset({("state", "fresh")})] == 3
    assert samples["neilats_extender_reports_total", frozenset({("outcome", "applied")})] == 3
    assert samples["neilats_extender_calls_total", frozenset({("verb", "prioritize"), ("outcome", "scored")})] == 1
    assert samples["neilats_extender_call_duration_seconds_count", frozenset({("verb", "prioritize")})] == 1
    assert not any(v in NODES for _, labels in samples for _, v in labels)
    assert any(name == "neilats_build_info" for name, _ in samples)


async def test_the_description_names_every_route(bench):
    _, body = await get(bench, "/openapi.json")
    assert body["openapi"].startswith("3.")
    served = {
        r.resource.canonical for r in bench.extender.apps.api.router.routes() if r.resource.canonical != "/openapi.json"
    }
    assert served == set(body["paths"])
    assert "Report" in body["components"]["schemas"]
    assert set(body["components"]["securitySchemes"]) == {"token", "certificate"}
    for path, operations in body["paths"].items():
        for operation in (operations[m] for m in ("get", "post") if m in operations):
            assert {"401", "403"} <= set(operation["responses"]), path


async def test_the_description_names_both_forms_of_a_report(bench):
    _, body = await get(bench, "/openapi.json")
    report = body["paths"]["/v1/report"]["post"]
    assert set(report["requestBody"]["content"]) == {"application/json", MEDIA_TYPE}
    assert "Retry-After" in report["responses"]["503"]["headers"]
    assert {"targets_version", "report_after_ms"} < set(body["components"]["schemas"]["Reply"]["properties"])


async def test_probers_are_counted_by_whether_they_report(bench):
    await bench.star("node-1", {"node-2": 1.0, "node-3": 1.0})
    assert bench.metric("neilats_extender_probers", state="reporting") == 2
    bench.clock.forward(bench.extender.settings.fresh_for_s + 1)
    await bench.star("node-1", {"node-2": 1.0})
    assert bench.metric("neilats_extender_probers", state="reporting") == 1
    assert bench.metric("neilats_extender_probers", state="silent") == 3


async def test_the_paths_of_one_node_are_answered_where_all_would_be_too_many(bench):
    store = bench.extender.store
    for source in ("a", "b"):
        store.ensure(source, [f"t{i}" for i in range(10_001)])
    status, body = await get(bench, "/v1/matrix")
    assert status == 400
    assert "more than 20000 paths are too many" in body["error"]
    _, body = await get(bench, "/v1/matrix?target=t7")
    assert [(p["source"], p["target"]) for p in body["paths"]] == [("a", "t7"), ("b", "t7")]
    _, body = await get(bench, "/v1/matrix?source=a&target=t7")
    assert [(p["source"], p["target"]) for p in body["paths"]] == [("a", "t7")]
