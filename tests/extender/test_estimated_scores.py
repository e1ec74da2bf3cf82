"""Pods on nodes that nobody measured: scored by estimates, behind measured ones, and never promised anything."""

import numpy as np
import pytest

from extender.cluster.base import Resolution
from extender.events.messages import placement
from extender.gather import Direction
from extender.intents import Intent
from scoring.costs import Status
from tests.extender.conftest import a_pod

NODES = tuple(f"node-{i:02d}" for i in range(60))
PEER = NODES[0]
X = {name: float(i) for i, name in enumerate(NODES)}


def rtt_ms(a, b):
    """Nodes along a line, 1 ms apart, each with a link of its own."""
    return abs(X[a] - X[b]) + 2.0


@pytest.fixture
async def line(make_bench):
    """Each node has measured some others; most paths to the peer are unmeasured."""
    bench = await make_bench(nodes=NODES)
    rng = np.random.default_rng(0)
    for name in NODES:
        others = rng.choice([n for n in NODES if n != name], 9, replace=False).tolist()
        samples = {t: {"age_ms": 0, "step_ms": 10000, "rtt_ms": [rtt_ms(name, t)] * 12} for t in others}
        assert (await bench.report(name, samples)).status == 200
    for _ in range(5):
        await bench.extender.estimates.refresh()
    bench.unmeasured = tuple(
        n for n in NODES[1:] if not (bench.extender.store.row(n, PEER) or bench.extender.store.row(PEER, n))
    )
    return bench


async def rows(bench, **body):
    response = await bench.api.post("/v1/scores", json={"peer": PEER, **body})
    assert response.status == 200
    return (await response.json())["nodes"]


async def last_decision(bench):
    return (await (await bench.api.get("/v1/decisions")).json())["decisions"][0]


@pytest.mark.parametrize("sla", [{}, {"max_rtt_ms": "20"}], ids=["by RTT", "by SLA"])
async def test_a_pod_whose_candidates_nobody_measured_is_scored_by_estimates_and_says_so(line, sla):
    near, far = line.unmeasured[:2], line.unmeasured[-2:]
    scores = await line.scores(a_pod(peer_nodes=PEER, **sla), (*near, *far))
    assert min(scores[n] for n in near) > max(scores[n] for n in far)
    decision = await last_decision(line)
    assert decision["outcome"] == "scored"
    assert decision["reason"] == "no path is measured: estimates decide"


async def test_a_decision_says_how_many_candidates_are_estimated(line):
    measured = next(n for n in NODES[1:] if n not in line.unmeasured)
    await line.scores(a_pod(peer_nodes=PEER), (measured, *line.unmeasured[:3]))
    assert (await last_decision(line))["reason"] == "3 of 4 candidates scored by estimates"


async def test_a_measured_node_is_ahead_of_an_estimated_one_of_the_same_distance(line):
    name, other = line.unmeasured[3], line.unmeasured[-1]
    estimate = (await rows(line, nodes=[name]))[name]["estimate_ms"]
    await line.measured(other, PEER, [estimate] * 30)
    both = await rows(line, nodes=[name, other])
    assert both[other]["cost"] < both[name]["cost"]
    assert both[other]["score"] >= both[name]["score"]


async def test_scores_show_an_estimate_and_where_it_likely_lies_and_never_as_a_measurement(line):
    name = line.unmeasured[10]
    row = (await rows(line, sla_ms=20.0))[name]
    assert (row["direction"], row["status"]) == ("estimate", "estimated")
    assert row["estimate_low_ms"] < row["estimate_ms"] < row["estimate_high_ms"]
    assert row["estimate_ms"] == pytest.approx(rtt_ms(name, PEER), rel=0.4)
    assert row["samples"] == 0
    assert (row["median_ms"], row["last_ms"], row["loss"]) == (None, None, None)


async def test_a_measured_row_has_no_estimate(line):
    measured = next(n for n in NODES[1:] if n not in line.unmeasured)
    row = (await rows(line))[measured]
    assert row["status"] == "known"
    assert row["estimate_ms"] is None


async def test_require_counts_no_estimate_as_kept_or_broken(line, clock):
    pod = a_pod(peer_nodes=PEER, mode="require", max_rtt_ms="20")
    near, far = line.unmeasured[0], line.unmeasured[-1]
    refused = await line.refused(pod, (near, far))
    assert refused == {near: f"measuring path to {PEER}", far: f"measuring path to {PEER}"}
    clock.forward(21)
    assert await line.refused(pod, (near, far)) == {}
    denying = a_pod("other", peer_nodes=PEER, mode="require", max_rtt_ms="20", on_unknown="deny")
    await line.refused(denying, (near, far))
    clock.forward(21)
    assert await line.refused(denying, (near, far)) == {
        near: f"path to {PEER} is unmeasured",
        far: f"path to {PEER} is unmeasured",
    }


async def test_what_is_estimated_is_still_wanted_from_the_probers(line):
    name = line.unmeasured[5]
    await line.scores(a_pod(peer_nodes=PEER), (name, line.unmeasured[6]))
    gathered = line.extender.decider.scorer.gather_one(PEER, [name])
    assert gathered.direction.tolist() == [Direction.ESTIMATE]
    assert not gathered.paths.known.any()
    assert gathered.rows.tolist() == [0]


async def test_stale_paths_are_estimated(line, clock):
    clock.forward(60)
    assert {row["status"] for name, row in (await rows(line)).items() if name != PEER} <= {"estimated", "unknown"}


async def test_an_event_says_that_its_node_is_estimated(line):
    decider = line.extender.decider
    scored = await decider.scorer.score(
        Intent(peer_nodes=(PEER,)), Resolution((PEER,), (1.0,)), line.unmeasured[:2], decider.end() + 5
    )
    assert (scored.table.evaluation.costs.status == Status.ESTIMATED).all()
    await line.scores(a_pod(peer_nodes=PEER), line.unmeasured[:2])
    (decision,) = line.extender.decisions
    decision.node = line.unmeasured[0]
    assert f"unmeasured to {PEER}, estimated " in placement(decision)


async def test_several_peers_are_estimated_each(line):
    names = line.unmeasured[:6]
    await line.scores(a_pod(peer_nodes=f"{PEER},{NODES[59]}"), names)
    (first, *_) = (await last_decision(line))["nodes"]
    assert [path["peer"] for path in first["paths"]] == [PEER, NODES[59]]


async def test_the_profile_of_old_scores_takes_no_estimates(line):
    found = await rows(line, profile="seed", nodes=list(line.unmeasured[:3]))
    assert {row["status"] for row in found.values()} == {"unknown"}


async def test_without_neighbours_needed_there_are_no_estimates(make_bench):
    bench = await make_bench(estimate_neighbours=0)
    await bench.star("node-1", {"node-2": 2.0})
    scores = await bench.scores(a_pod(peer_nodes="node-1"), ("node-3", "node-4"))
    assert set(scores.values()) == {5}
    assert (await last_decision(bench))["reason"] == "no_data: no candidate's path is measured"


async def test_the_matrix_adds_estimates_on_request_apart_from_what_is_measured(line):
    plain = await (await line.api.get("/v1/matrix")).json()
    assert "estimates" not in plain
    full = await (await line.api.get("/v1/matrix?estimates=true")).json()
    assert full["paths"] == plain["paths"]
    measured = {(p["source"], p["target"]) for p in full["paths"]}
    estimated = {(e["source"], e["target"]) for e in full["estimates"]}
    assert not (measured | {(b, a) for a, b in measured}) & estimated
    assert all(a != b for a, b in estimated)
    assert len(estimated) > 1000
    assert all(e["estimate_low_ms"] < e["estimate_ms"] < e["estimate_high_ms"] for e in full["estimates"])


async def test_the_matrix_of_estimates_can_be_narrowed(line):
    found = await (await line.api.get(f"/v1/matrix?estimates=true&target={PEER}")).json()
    assert {e["target"] for e in found["estimates"]} == {PEER}
    assert {e["source"] for e in found["estimates"]} <= set(line.unmeasured)


@pytest.mark.parametrize("value", ["yes", "", "1"])
async def test_a_matrix_with_another_wish_is_refused(line, value):
    response = await line.api.get(f"/v1/matrix?estimates={value}")
    assert response.status == 400
    assert "expected true or false" in (await response.json())["error"]
