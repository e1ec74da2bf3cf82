"""What kube-scheduler is told, through its own calls."""

import asyncio
import math
import time

import pytest

from tests.extender.conftest import NODES, a_pod

NEAR_1 = {"node-2": 2.0, "node-3": 9.0, "node-4": 30.0}


async def test_nearest_node_scores_best_and_the_peer_itself_is_nearest(bench):
    await bench.star("node-1", NEAR_1)
    scores = await bench.scores(a_pod(peer_nodes="node-1"))
    assert scores["node-1"] == 10
    assert scores["node-1"] >= scores["node-2"] > scores["node-3"] > scores["node-4"] == 0


async def test_with_an_sla_the_node_that_keeps_it_scores_best(bench):
    await bench.star("node-1", NEAR_1)
    scores = await bench.scores(a_pod(peer_nodes="node-1", max_rtt_ms="5"), ("node-2", "node-3", "node-4"))
    assert scores == {"node-2": 10, "node-3": 0, "node-4": 0}


async def test_a_lossy_path_loses_to_a_slightly_slower_clean_one(bench):
    await bench.measured("node-2", "node-1", [2.0, 2.0, 2.0, -1.0] * 6)
    await bench.measured("node-3", "node-1", [3.0] * 24)
    for pod in (a_pod(peer_nodes="node-1"), a_pod(peer_nodes="node-1", max_rtt_ms="10")):
        scores = await bench.scores(pod, ("node-2", "node-3"))
        assert scores["node-3"] > scores["node-2"]


@pytest.mark.parametrize("sla", [{}, {"max_rtt_ms": "12"}], ids=["by RTT", "by SLA"])
async def test_three_bad_samples_after_a_long_good_time_move_the_choice(bench, sla):
    await bench.measured("node-2", "node-1", [2.0] * 61 + [40.0] * 3)
    await bench.measured("node-3", "node-1", [10.0] * 64)
    scores = await bench.scores(a_pod(peer_nodes="node-1", **sla), ("node-2", "node-3"))
    assert scores["node-3"] > scores["node-2"]


async def test_indistinguishable_nodes_score_alike(bench):
    noise = [0.3 + 0.2 * math.sin(1.7 * i) for i in range(40)]
    await bench.measured("node-2", "node-1", noise)
    await bench.measured("node-3", "node-1", noise[3:] + noise[:3])
    scores = await bench.scores(a_pod(peer_nodes="node-1"), ("node-2", "node-3"))
    assert scores["node-2"] == scores["node-3"]


async def test_the_reverse_direction_speaks_where_the_candidate_has_not_measured(bench):
    await bench.report("node-1", {n: {"age_ms": 0, "step_ms": 10000, "rtt_ms": [v] * 9} for n, v in NEAR_1.items()})
    scores = await bench.scores(a_pod(peer_nodes="node-1"), ("node-2", "node-3", "node-4"))
    assert scores["node-2"] == 10


async def test_an_unknown_node_in_a_valid_call_scores_in_the_middle_of_the_known(bench):
    await bench.star("node-1", NEAR_1)
    scores = await bench.scores(a_pod(peer_nodes="node-1"), ("node-2", "node-3", "node-4", "stranger"))
    assert scores["node-4"] < scores["stranger"] == scores["node-3"] < scores["node-2"]


async def test_stale_measurements_are_no_measurements(bench, clock):
    await bench.star("node-1", NEAR_1)
    clock.forward(60)
    scores = await bench.scores(a_pod(peer_nodes="node-1"), ("node-2", "node-3", "node-4"))
    assert len(set(scores.values())) == 1
    assert bench.metric("neilats_extender_calls_total", verb="prioritize", outcome="no_data") == 1


async def test_several_peers_count_as_the_policy_says(bench):
    await bench.measured("node-3", "node-1", [1.0] * 20)
    await bench.report("node-3", {"node-2": {"age_ms": 0, "step_ms": 10000, "rtt_ms": [20.0] * 20}})
    await bench.measured("node-4", "node-1", [8.0] * 20)
    await bench.report("node-4", {"node-2": {"age_ms": 0, "step_ms": 10000, "rtt_ms": [8.0] * 20}})
    both = {"peer_nodes": "node-1,node-2"}
    for policy, winner in (("all", "node-4"), ("any", "node-3"), ("mean", "node-4")):
        scores = await bench.scores(a_pod(peer_policy=policy, **both), ("node-3", "node-4"))
        assert max(scores, key=scores.get) == winner, policy


async def test_a_pod_without_intent_gets_a_neutral_answer(bench):
    assert set((await bench.scores(a_pod())).values()) == {5}
    assert await bench.refused(a_pod()) == {}
    assert len(bench.extender.decisions) == 0


async def test_an_invalid_preference_is_neutral_and_explained(bench):
    assert set((await bench.scores(a_pod(peer_nodes="node-1", max_rtt_ms="fast"))).values()) == {5}
    decision = bench.extender.decisions.latest(next(iter(bench.extender.decisions)).pod)
    assert decision.outcome == "neutral"
    assert "max-rtt-ms" in decision.reason


async def test_a_peer_that_does_not_exist_is_neutral_for_prefer(bench):
    assert set((await bench.scores(a_pod(peer_nodes="node-9"))).values()) == {5}
    assert bench.metric("neilats_extender_calls_total", verb="prioritize", outcome="unresolved_peer") == 1


async def test_require_refuses_what_breaks_the_sla_and_says_why(bench):
    await bench.star("node-1", NEAR_1)
    refused = await bench.refused(a_pod(peer_nodes="node-1", max_rtt_ms="5", mode="require"))
    assert refused == dict.fromkeys(("node-3", "node-4"), "path to node-1 breaks 5 ms")


async def test_one_lost_ping_in_ten_does_not_break_a_promise_but_three_do(bench):
    require = {"peer_nodes": "node-1", "max_rtt_ms": "5", "mode": "require"}
    await bench.measured("node-2", "node-1", [1.0] * 9 + [-1.0])
    await bench.measured("node-3", "node-1", [1.0] * 7 + [-1.0] * 3)
    assert set(await bench.refused(a_pod(**require), ("node-2", "node-3"))) == {"node-3"}


@pytest.mark.parametrize(("on_unknown", "after"), [("allow", {}), ("deny", {"node-2": "path to node-1 is unmeasured"})])
async def test_an_unmeasured_path_is_waited_for_and_then_as_on_unknown_says(bench, clock, on_unknown, after):
    pod = a_pod(peer_nodes="node-1", max_rtt_ms="5", mode="require", on_unknown=on_unknown)
    assert await bench.refused(pod, ("node-2",)) == {"node-2": "measuring path to node-1"}
    reply = await (await bench.report("node-2", {}, addresses={"ipv4": "10.0.0.2"})).json()
    assert reply["targets"] == []  # node-1 has reported no address yet
    await bench.report("node-1", {}, addresses={"ipv4": "10.0.0.1"})
    reply = await (await bench.report("node-2", {}, addresses={"ipv4": "10.0.0.2"})).json()
    assert reply["targets"] == [{"node": "node-1", "address": "10.0.0.1", "burst": True}]
    clock.forward(19)
    assert await bench.refused(pod, ("node-2",)) == {"node-2": "measuring path to node-1"}
    clock.forward(2)
    assert await bench.refused(pod, ("node-2",)) == after


async def test_five_quick_samples_are_enough_for_require(bench):
    pod = a_pod(peer_nodes="node-1", max_rtt_ms="5", mode="require")
    await bench.measured("node-2", "node-1", [1.0] * 4, step_ms=1000)
    assert await bench.refused(pod, ("node-2",)) == {"node-2": "measuring path to node-1"}
    await bench.measured("node-2", "node-1", [1.0], step_ms=1000)
    assert await bench.refused(pod, ("node-2",)) == {}


async def test_an_invalid_requirement_refuses_every_node_with_the_mistake(bench):
    refused = await bench.refused(a_pod(peer_nodes="node-1", max_rtt_ms="soon", mode="require"))
    assert set(refused) == set(NODES)
    assert all("max-rtt-ms" in reason and "soon" in reason for reason in refused.values())


def old_pod(**labels):
    return {"metadata": {"name": "old", "namespace": "shop", "uid": "uid-old", "labels": labels}}


async def test_the_old_labels_require_the_mean_and_exclude_the_neighbour_itself(bench):
    await bench.measured("node-2", "node-1", [1.0] * 8 + [20.0] * 2)  # mean 4.8: the old rule keeps it
    await bench.measured("node-3", "node-1", [1.0] * 7 + [20.0] * 3)
    refused = await bench.refused(old_pod(nei_node="node-1", sla="5"), ("node-1", "node-2", "node-3"))
    assert refused == {
        "node-1": "the neighbour node node-1 itself is excluded",
        "node-3": "path to node-1 breaks 5 ms",
    }


@pytest.mark.parametrize("labels", [{"nei_node": "node-1"}, {"sla": "5"}, {"nei_node": "node-1", "sla": "5ms"}])
async def test_half_or_unreadable_old_labels_refuse_every_node(bench, labels):
    refused = await bench.refused(old_pod(**labels))
    assert set(refused) == set(NODES)
    assert all("sla" in reason for reason in refused.values())


async def test_old_labels_with_an_unknown_neighbour_refuse_every_node(bench):
    refused = await bench.refused(old_pod(nei_node="node-9", sla="5"))
    assert set(refused.values()) == {"node node-9 does not exist"}


async def test_preempt_keeps_only_nodes_whose_path_keeps_the_promise(bench):
    await bench.star("node-1", NEAR_1)
    victims = {n: {"Pods": [{"UID": f"v-{n}"}], "NumPDBViolations": 1} for n in ("node-2", "node-3")}
    body = {"Pod": a_pod(peer_nodes="node-1", max_rtt_ms="5", mode="require"), "NodeNameToMetaVictims": victims}
    answer = await (await bench.webhooks.post("/scheduler/preempt", json=body)).json()
    assert answer == {"NodeNameToMetaVictims": {"node-2": victims["node-2"]}}
    body["Pod"] = a_pod(peer_nodes="node-1", max_rtt_ms="5")
    answer = await (await bench.webhooks.post("/scheduler/preempt", json=body)).json()
    assert answer == {"NodeNameToMetaVictims": victims}


async def test_shadow_mode_answers_neutrally_and_records_what_it_would_have_said(make_bench):
    bench = await make_bench(shadow=True)
    await bench.star("node-1", NEAR_1)
    assert await bench.refused(a_pod(peer_nodes="node-1", max_rtt_ms="5", mode="require")) == {}
    assert set((await bench.scores(a_pod("other", peer_nodes="node-1"))).values()) == {5}
    required, preferred = sorted(bench.extender.decisions, key=lambda d: d.number)
    assert set(required.failed) == {"node-3", "node-4"}
    assert {r["node"]: r["score"] for r in preferred.table.rows()}["node-1"] == 10
    assert bench.metric("neilats_extender_calls_total", verb="filter", outcome="shadow") == 1


async def test_the_seed_profile_ranks_by_stationarity_and_forecast(bench):
    for node, level in (("node-2", 2.0), ("node-3", 9.0)):
        await bench.measured(node, "node-1", [level + 0.1 * math.sin(3.1 * i * i) for i in range(40)])
    scores = await bench.scores(a_pod(peer_nodes="node-1", max_rtt_ms="10", profile="seed"), ("node-2", "node-3"))
    assert sorted(scores.values()) == [0, 10]


async def test_an_edited_pod_is_scored_by_what_it_says_now(bench):
    await bench.star("node-1", NEAR_1)
    await bench.refused(a_pod(peer_nodes="node-1", max_rtt_ms="1", mode="require"))
    edited = a_pod(peer_nodes="node-4", max_rtt_ms="20")
    assert (await bench.scores(edited, ("node-1", "node-4")))["node-4"] == 10
    assert len(bench.extender.decisions) == 2


async def test_require_by_mean_weighs_peers_and_wants_every_path_measured(bench):
    from extender.cluster.base import Resolution

    for peer, rtt in (("node-1", 1.0), ("node-2", 50.0)):
        await bench.report("node-3", {peer: {"age_ms": 0, "step_ms": 10000, "rtt_ms": [rtt] * 12}})
    pod = a_pod(peer_nodes="node-1,node-2", peer_policy="mean", max_rtt_ms="5", mode="require", on_unknown="deny")
    for weights, refused in (((0.9, 0.1), {}), ((0.5, 0.5), {"node-3": "path to node-2 breaks 5 ms"})):
        bench.extender.cluster.resolve = lambda intent, pod, w=weights: Resolution(("node-1", "node-2"), w)
        assert await bench.refused(pod, ("node-3",)) == refused
    bench.extender.cluster.resolve = lambda intent, pod: Resolution(("node-1", "node-4"), (0.5, 0.5))
    assert await bench.refused(pod, ("node-3",)) == {"node-3": "measuring path to node-4"}


async def test_a_path_that_seems_to_recover_is_probed_quickly_for_a_waiting_pod(bench, clock):
    await bench.report("node-1", {}, addresses={"ipv4": "10.0.0.1"})
    await bench.measured("node-2", "node-1", [50.0] * 8 + [1.0] * 2)
    pod = a_pod(peer_nodes="node-1", max_rtt_ms="5", mode="require")
    assert await bench.refused(pod, ("node-2",)) == {"node-2": "path to node-1 breaks 5 ms"}
    reply = await (await bench.report("node-2", {})).json()
    assert [t["burst"] for t in reply["targets"]] == [True]


async def test_a_pod_that_was_only_filtered_is_explained_with_numbers(bench):
    await bench.star("node-1", NEAR_1)
    await bench.refused(a_pod(peer_nodes="node-1", max_rtt_ms="5", mode="require"), ("node-2", "node-3"))
    (decision,) = bench.extender.decisions
    rows = {r["node"]: r["paths"][0]["median_ms"] for r in decision.as_json()["nodes"]}
    assert rows == {"node-2": 2.0, "node-3": 9.0}


async def test_a_sample_that_equals_the_promise_keeps_it(bench):
    await bench.measured("node-2", "node-1", [0.3] * 12)
    assert await bench.refused(a_pod(peer_nodes="node-1", max_rtt_ms="0.3", mode="require"), ("node-2",)) == {}


async def test_what_an_expensive_profile_computed_too_late_answers_the_next_call(make_bench):
    bench = await make_bench(deadline_ms=1)
    await bench.measured("node-2", "node-1", [float(i % 7) + 1 for i in range(64)])
    await bench.measured("node-3", "node-1", [float(i % 5) + 9 for i in range(64)])
    pod, names = a_pod(peer_nodes="node-1", profile="seed"), ("node-2", "node-3")
    busy = bench.extender.worker.start(bench.extender.worker.run(lambda: time.sleep(0.05)))
    assert set((await bench.scores(pod, names)).values()) == {5}
    await busy
    await asyncio.sleep(0.3)
    bench.extender.decider._deadline_s = 1
    assert sorted((await bench.scores(pod, names)).values()) == [0, 10]


async def test_an_expensive_profile_that_misses_the_deadline_is_neutral(make_bench):
    bench = await make_bench(deadline_ms=1)
    await bench.measured("node-2", "node-1", [float(i % 7) + 1 for i in range(64)])

    async def slow(gathered):
        await asyncio.sleep(1)

    bench.extender.analyst.adf_scores = slow
    assert set((await bench.scores(a_pod(peer_nodes="node-1", profile="seed"))).values()) == {5}
    assert bench.metric("neilats_extender_calls_total", verb="prioritize", outcome="deadline") == 1
