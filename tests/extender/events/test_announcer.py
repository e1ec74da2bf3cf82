"""What is told of decisions, from an extender under test that is asked as kube-scheduler asks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from extender.events.announcer import Announcer
from extender.events.event import Event
from extender.pods import Pod
from tests.extender.conftest import Bench, a_pod

CANDIDATES = ("node-2", "node-3", "node-4")
REQUIRED = {"peer_nodes": "node-1", "max_rtt_ms": "5", "mode": "require"}


@dataclass
class Telling:
    """A bench whose extender tells the test."""

    bench: Bench
    events: list[Event] = field(default_factory=list)

    def lines(self) -> list[str]:
        return [f"{event.reason}: {event.text}" for event in self.events]

    async def placed(self, pod: dict[str, Any], node: str, names: tuple[str, ...] = CANDIDATES) -> list[str]:
        """Ask as kube-scheduler does, and bind the pod."""
        good = tuple((await self.bench.ask("filter", pod, names))["NodeNames"])
        if len(good) > 1:  # kube-scheduler scores nothing where there is no choice
            await self.bench.ask("prioritize", pod, good)
        meta = pod["metadata"]
        self.bench.extender.followup.bound(Pod(meta["namespace"], meta["name"], meta["uid"], node=node))
        return self.lines()


@pytest.fixture
async def make_telling(make_bench: Callable[..., Any]) -> Callable[..., Any]:
    async def make(verbs: tuple[str, ...] = ("filter", "prioritize", "preempt"), **settings: Any) -> Telling:
        telling = Telling(await make_bench(**settings))
        announcer = Announcer(telling.events.append, lambda: True, verbs)
        telling.bench.extender.followup._announcer = announcer
        await telling.bench.star("node-1", {"node-2": 3.1, "node-3": 8.0, "node-4": 20.0})
        return telling

    return make


@pytest.fixture
async def telling(make_telling: Callable[..., Any]) -> Telling:
    return await make_telling()


async def test_a_placement_says_how_far_how_good_and_what_came_next(telling):
    (line,) = await telling.placed(a_pod(peer_nodes="node-1", max_rtt_ms="5"), "node-2")
    assert line == (
        "LatencyPlacement: on node-2: 3.1 ms to node-1 (promise 5 ms), score 10 of 10, profile forecast; "
        "next best node-3 (0)"
    )


async def test_a_placement_without_a_promise_names_none(telling):
    (line,) = await telling.placed(a_pod(peer_nodes="node-1"), "node-2")
    assert line.startswith("LatencyPlacement: on node-2: 3.1 ms to node-1, score 10 of 10, profile forecast; next best")


async def test_refused_nodes_are_counted_and_no_next_best(telling):
    (line,) = await telling.placed(a_pod(**REQUIRED), "node-2")
    assert line == (
        "LatencyPlacement: on node-2: 3.1 ms to node-1 (promise 5 ms), score 10 of 10, profile forecast; "
        "2 of 3 nodes refused"
    )


async def test_an_outvoted_placement_names_the_best_node(telling):
    (line,) = await telling.placed(a_pod(peer_nodes="node-1"), "node-4")
    assert line.startswith("LatencyPlacement: on node-4: 20 ms to node-1, score 0 of 10")
    assert line.endswith("outvoted by other scheduler plugins, best was node-2 (10)")


async def test_a_pod_on_its_peers_node_says_so(telling):
    (line,) = await telling.placed(a_pod(peer_nodes="node-1"), "node-1", ("node-1", *CANDIDATES))
    assert line.startswith("LatencyPlacement: on node-1: the node of its peer node-1, score 10 of 10")


async def test_lost_and_unmeasured_paths_are_told_as_such(telling):
    await telling.bench.measured("node-3", "node-2", [-1.0] * 20)
    (line,) = await telling.placed(a_pod(peer_nodes="node-2,node-4"), "node-3", ("node-1", "node-3"))
    assert "on node-3: lost to node-2, unmeasured to node-4" in line


async def test_a_neutral_decision_says_why_latency_did_not_count(telling):
    (line,) = await telling.placed(a_pod(peer_nodes="node-4"), "node-2", ("node-2", "node-3"))
    assert line == "LatencyPlacement: on node-2: latency did not count: no candidate's path is measured"


async def test_a_tolerated_pod_whose_peers_are_unknown_says_what_is_wrong_with_them(make_telling):
    telling = await make_telling(measuring_grace_s=0)
    for names in (("node-2",), CANDIDATES):
        pod = a_pod(f"pod-{len(names)}", peer_services="db", max_rtt_ms="5", mode="require")
        line = (await telling.placed(pod, "node-2", names))[-1]
        assert line == "LatencyPlacement: on node-2: latency did not count: service shop/db: no cluster to ask"


async def test_a_node_that_was_not_among_the_candidates_is_said_to_be_so(telling):
    (line,) = await telling.placed(a_pod(peer_nodes="node-1"), "node-9")
    assert line == "LatencyPlacement: on node-9: kube-scheduler did not ask about this node"


async def test_shadow_mode_is_said_and_nothing_is_demanded_of_the_scheduler(make_telling):
    telling = await make_telling(verbs=(), shadow=True)
    (line,) = await telling.placed(a_pod(**REQUIRED), "node-2")
    assert line.endswith("; shadow mode: kube-scheduler got a neutral answer instead")


async def test_a_pod_that_was_deleted_before_it_was_bound_is_not_told_anything(telling):
    await telling.bench.ask("prioritize", a_pod(peer_nodes="node-1"), CANDIDATES)
    telling.bench.extender.followup.bound(Pod("shop", "pod", "uid-pod", deleted=True))
    assert telling.lines() == []


@pytest.mark.parametrize("mode", ["prefer", "require"])
async def test_mistakes_are_told_at_the_decision_with_an_example(telling, mode):
    pod = a_pod(peer_nodes="node-1", max_rtt_ms="soon", mode=mode)
    await telling.bench.ask("filter", pod, CANDIDATES)
    if mode == "prefer":
        await telling.bench.ask("prioritize", pod, CANDIDATES)
    (line,) = telling.lines()
    assert line.startswith("InvalidLatencyIntent: invalid latency intent: neilats.io/max-rtt-ms='soon': expected milli")
    assert line.endswith('for example, neilats.io/peer-services: "db", neilats.io/max-rtt-ms: "5"')


async def test_the_example_survives_many_long_mistakes(telling):
    long = dict.fromkeys(("peer_nodes", "max_rtt_ms", "mode", "on_unknown", "peer_policy", "profile"), "x y " * 50)
    await telling.bench.ask("prioritize", a_pod(**long), CANDIDATES)
    (line,) = telling.lines()
    assert line.endswith('neilats.io/max-rtt-ms: "5"')


async def test_the_old_labels_get_an_example_of_their_own(telling):
    pod = a_pod()
    pod["metadata"]["labels"] = {"nei_node": "node-1"}
    await telling.bench.ask("filter", pod, CANDIDATES)
    (line,) = telling.lines()
    assert "label nei_node without label sla" in line
    assert line.endswith('the labels nei_node: "node-1" and sla: "5"')


async def scored_alone(telling: Telling, name: str = "pod", *, times: int = 1) -> list[str]:
    for _ in range(times):
        await telling.bench.ask("prioritize", a_pod(name, **REQUIRED), CANDIDATES)
    return telling.lines()


async def test_a_require_pod_that_is_scored_three_times_without_having_been_filtered_is_warned(telling):
    assert await scored_alone(telling, times=2) == []
    (line,) = await scored_alone(telling)
    assert line == (
        "LatencyNotEnforced: filter is not called, so that nodes which break the promise are not refused. "
        "Set filterVerb: filter of the extender in the KubeSchedulerConfiguration"
    )


async def test_one_filter_call_that_went_to_another_replica_is_no_reason_to_warn(telling):
    for i in range(20):
        telling.bench.clock.forward(400)
        assert await scored_alone(telling, f"lost-{i}") == []
        await telling.bench.ask("filter", a_pod(f"seen-{i}", **REQUIRED), CANDIDATES)


async def test_pods_that_are_scored_unfiltered_are_warned_after_five_minutes_without_a_filter_call(telling):
    for i, seconds in enumerate((0, 100, 199)):
        telling.bench.clock.forward(seconds)
        assert await scored_alone(telling, f"pod-{i}") == []
    telling.bench.clock.forward(1)
    await scored_alone(telling, "pod-3")
    assert [(event.reason, event.pod.name) for event in telling.events] == [("LatencyNotEnforced", "pod-3")]


async def test_two_pods_far_apart_in_time_are_no_reason_to_warn(telling):
    for i in range(2):
        assert await scored_alone(telling, f"pod-{i}") == []
        telling.bench.clock.forward(3600)


@pytest.mark.parametrize("pod", [a_pod("plain"), a_pod("prefers", peer_nodes="node-1"), a_pod("requires", **REQUIRED)])
async def test_the_filter_call_of_any_pod_shows_that_filter_is_called(telling, pod):
    await scored_alone(telling, "pod-1")
    await scored_alone(telling, "pod-2")
    telling.bench.clock.forward(400)
    await telling.bench.ask("filter", pod, CANDIDATES)
    assert await scored_alone(telling, "pod-3") == []


async def test_a_pod_that_is_filtered_in_between_begins_to_be_counted_anew(telling):
    for _ in range(3):
        assert await scored_alone(telling, times=2) == []
        await telling.bench.ask("filter", a_pod(**REQUIRED), CANDIDATES)
        await telling.bench.ask("prioritize", a_pod(**REQUIRED), CANDIDATES)
    assert telling.lines() == []


async def test_attempts_that_were_filtered_are_not_counted(telling):
    for i in range(6):
        await telling.bench.ask("filter", a_pod(f"pod-{i}", **REQUIRED), CANDIDATES)
        await telling.bench.ask("prioritize", a_pod(f"pod-{i}", **REQUIRED), CANDIDATES)
        telling.bench.clock.forward(400)
    assert telling.lines() == []


async def test_pods_that_only_prefer_need_no_filter(telling):
    await telling.bench.ask("prioritize", a_pod(peer_nodes="node-1", max_rtt_ms="5"), CANDIDATES)
    assert telling.lines() == []


async def test_verbs_that_are_not_configured_are_named_with_what_follows(make_telling):
    telling = await make_telling(verbs=("filter", "prioritize"))
    await telling.bench.ask("filter", a_pod(**REQUIRED), CANDIDATES)
    (line,) = telling.lines()
    assert line.startswith("LatencyNotEnforced: preempt is not called, so that innocent pods may be evicted")
    assert line.endswith("Set preemptVerb: preempt of the extender in the KubeSchedulerConfiguration")
    assert telling.events[0].once
