"""Promises of placed pods: how they stand, what is counted and what is told."""

import numpy as np
import pytest

from extender.cluster.base import Resolution
from extender.placed import keeper
from tests.extender.placed.conftest import a_placed_pod

LOST = np.inf
PROMISED = {"peer_nodes": "gateway", "max_rtt_ms": "5"}
TOLD_S = keeper.TAKE_OVER_S + 10
"""After so long a replica that is alive has told a change."""


async def test_a_promise_that_is_kept_counts_at_once_and_is_not_told(world):
    world.table.put(a_placed_pod(**PROMISED))
    world.measured("node-1", "gateway", *[3.1] * 10)
    await world.looks()
    assert world.states() == {"web": "kept"}
    assert world.counted() == {"kept": 1, "broken": 0, "unmeasured": 0}
    assert world.reason() == "path to gateway keeps 5 ms: 10 of 10 recent samples within (median 3.1 ms)"
    assert world.heard.told == []


async def test_a_broken_promise_counts_from_the_second_look_on_and_is_told_once(world):
    world.table.put(a_placed_pod(**PROMISED))
    world.measured("node-1", "gateway", *[3.1] * 10)
    await world.looks()
    world.measured("node-1", "gateway", *[8.2] * 9)
    await world.looks()
    assert (world.states(), world.heard.told) == ({"web": "kept"}, [])
    await world.looks(3)
    assert world.states() == {"web": "broken"}
    reason = "path to gateway breaks 5 ms: 9 of 10 recent samples above (median 8.2 ms)"
    assert world.heard.told == [("broken", "web", reason, True)]


async def test_one_bad_look_changes_nothing(world):
    world.table.put(a_placed_pod(**PROMISED))
    for rtt in (3.0, 9.0) * 3:
        world.measured("node-1", "gateway", *[rtt] * 10)
        await world.looks()
    assert world.states() == {"web": "kept"}
    assert world.heard.told == []


async def test_a_promise_that_holds_again_is_told_from_the_second_look_on(world):
    world.table.put(a_placed_pod(**PROMISED))
    world.measured("node-1", "gateway", *[8.2] * 10)
    await world.looks(2)
    world.measured("node-1", "gateway", *[1.5] * 10)
    await world.looks()
    assert world.heard.words() == ["broken"]
    await world.looks(2)
    assert world.heard.words() == ["broken", "kept"]


async def test_a_promise_that_was_broken_before_the_first_look_is_no_news(world):
    world.table.put(a_placed_pod(**PROMISED))
    world.measured("node-1", "gateway", *[8.2] * 10)
    await world.looks(2)
    assert [told[3] for told in world.heard.told] == [False]


@pytest.fixture
async def silent(world):
    """A replica that has seen a promise break while another one spoke, which told it."""
    world.heard.speaks = False
    world.table.put(a_placed_pod(**PROMISED))
    for rtt_ms in (3.1, 8.2):
        world.measured("node-1", "gateway", *[rtt_ms] * 10)
        await world.looks(2)
    return world


async def goes_on(world, rtt_ms, seconds=TOLD_S):
    """Let time pass in which nothing changes."""
    world.clock.forward(seconds - 10)
    world.measured("node-1", "gateway", rtt_ms)
    await world.looks()


async def test_a_replica_that_begins_to_speak_tells_what_is_broken_as_no_news(silent):
    assert (silent.states(), silent.heard.told) == ({"web": "broken"}, [])
    silent.heard.speaks = True
    await silent.looks(2)
    assert [(told[0], told[3]) for told in silent.heard.told] == [("broken", False)]


@pytest.mark.parametrize(("after_s", "news"), [(10, True), (TOLD_S, False)])
async def test_a_promise_that_broke_again_as_the_speaker_died_is_news(silent, after_s, news):
    silent.measured("node-1", "gateway", *[1.5] * 10)
    await silent.looks(2)
    await goes_on(silent, 1.5)
    silent.measured("node-1", "gateway", *[8.2] * 10)
    await silent.looks(2)
    await goes_on(silent, 8.2, after_s)
    silent.heard.speaks = True
    await silent.looks(2)
    assert [(told[0], told[3]) for told in silent.heard.told] == [("broken", news)]


@pytest.mark.parametrize("after_s", [10, keeper.TAKE_OVER_S])
async def test_a_recovery_that_the_last_speaker_may_not_have_lived_to_tell_is_told_once(silent, after_s):
    silent.measured("node-1", "gateway", *[1.5] * 10)
    await silent.looks(2)
    await goes_on(silent, 1.5, after_s)
    assert (silent.states(), silent.heard.told) == ({"web": "kept"}, [])
    silent.heard.speaks = True
    await silent.looks(3)
    assert silent.heard.words() == ["kept"]


async def test_a_recovery_while_nobody_spoke_is_told_by_the_next_speaker_also_when_it_comes_after_a_gap(silent):
    silent.clock.forward(3600)
    await silent.looks(2)
    assert silent.states() == {"web": "unmeasured"}
    silent.measured("node-1", "gateway", *[1.5] * 10)
    silent.heard.speaks = True
    await silent.looks(2)
    assert silent.heard.words() == ["kept"]


async def test_a_recovery_that_another_replica_has_long_told_is_not_told_again(silent):
    silent.measured("node-1", "gateway", *[1.5] * 10)
    await silent.looks(2)
    await goes_on(silent, 1.5)
    silent.heard.speaks = True
    await silent.looks(2)
    assert silent.heard.told == []


@pytest.mark.parametrize("recovery_told", [False, True])
async def test_a_replica_that_speaks_again_tells_what_broke_anew_in_between(world, recovery_told):
    world.table.put(a_placed_pod(**PROMISED))
    for rtt_ms, speaks in ((8.2, True), (1.5, recovery_told), (9.3, False), (9.3, True)):
        world.heard.speaks = speaks
        world.measured("node-1", "gateway", *[rtt_ms] * 10)
        await world.looks(2)
    assert world.heard.words() == ["broken", *["kept"] * recovery_told, "broken"]
    assert world.heard.told[-1][3]


async def test_losses_break_a_promise_and_are_named(world):
    world.table.put(a_placed_pod(**PROMISED))
    world.measured("node-1", "gateway", *[2.0] * 6, *[LOST] * 4)
    await world.looks(2)
    assert world.reason() == "path to gateway breaks 5 ms: 4 of 10 recent samples above (median 2 ms, 4 lost)"
    world.measured("node-1", "gateway", *[LOST] * 10)
    await world.looks()
    assert world.reason() == "path to gateway breaks 5 ms: 10 of 10 recent samples above (all lost)"


async def test_a_pod_on_its_peers_own_node_keeps_its_promise(world):
    world.table.put(a_placed_pod(node="gateway", **PROMISED))
    await world.looks()
    assert (world.states(), world.reason()) == ({"web": "kept"}, "runs on its peer gateway")


async def test_the_old_labels_are_judged_by_the_mean_and_exclude_the_peers_own_node(world):
    for name, node in (("far", "node-1"), ("beside", "gateway")):
        raw = a_placed_pod(name, node)
        raw["metadata"]["labels"] = {"nei_node": "gateway", "sla": "5"}
        world.table.put(raw)
    world.measured("node-1", "gateway", *[1.0] * 9, 21.0)
    await world.looks(2)
    assert world.states() == {"far": "kept", "beside": "broken"}
    reasons = {s.placed.pod.name: s.finding.reason for s in world.keeper.standings()}
    assert reasons == {
        "far": "path to gateway keeps 5 ms: the mean of the last 10 samples is 3 ms",
        "beside": "the neighbour node gateway itself is excluded",
    }


async def test_an_unmeasured_path_is_said_to_be_so(world):
    world.table.put(a_placed_pod(**PROMISED))
    world.measured("node-1", "gateway", *[3.1] * 4)
    await world.looks(2)
    assert (world.states(), world.reason()) == ({"web": "unmeasured"}, "path to gateway is unmeasured")
    assert world.counted() == {"kept": 0, "broken": 0, "unmeasured": 1}


@pytest.mark.parametrize(("policy", "state"), [("all", "broken"), ("any", "kept"), ("mean", "broken")])
async def test_several_peers_are_judged_by_the_policy(world, policy, state):
    world.table.put(a_placed_pod(peer_nodes="gateway,node-2", max_rtt_ms="5", peer_policy=policy))
    for _ in range(6):
        world.measured("node-1", "gateway", 2.0)
        world.measured("node-1", "node-2", 9.0)
    await world.looks(2)
    assert world.states() == {"web": state}
    assert world.reason().endswith(f"; {policy} of 2 peer nodes")


async def test_without_all_peers_known_a_promise_to_all_is_unmeasured(world):
    world.table.put(a_placed_pod(peer_nodes="gateway,node-9", max_rtt_ms="5"))
    world.measured("node-1", "gateway", *[2.0] * 10)
    await world.looks(2)
    assert world.states() == {"web": "unmeasured"}
    assert world.reason() == "node node-9 does not exist"


async def test_a_mistake_is_told_once_and_counts_as_unmeasured(world):
    world.table.put(a_placed_pod(peer_nodes="gateway", max_rtt_ms="soon"))
    await world.looks(3)
    assert world.heard.told == [("invalid", "web")]
    assert world.counted()["unmeasured"] == 1
    assert "neilats.io/max-rtt-ms='soon'" in world.reason()


async def test_a_mistake_that_was_mended_is_judged_anew(world):
    world.table.put(a_placed_pod(peer_nodes="gateway", max_rtt_ms="soon"))
    await world.looks()
    world.table.put(a_placed_pod(**PROMISED))
    world.measured("node-1", "gateway", *[8.2] * 10)
    await world.looks(2)
    assert world.heard.words() == ["invalid", "broken"]


async def test_a_promise_that_was_broken_and_is_now_unreadable_is_told_as_a_mistake(world):
    world.table.put(a_placed_pod(**PROMISED))
    world.measured("node-1", "gateway", *[8.2] * 10)
    await world.looks(2)
    world.table.put(a_placed_pod(peer_nodes="gateway", max_rtt_ms="soon"))
    await world.looks(2)
    assert world.heard.words() == ["broken", "invalid"]


async def test_one_groups_fault_leaves_the_others_their_look(world):
    real = world.cluster.resolve

    def faulty(intent, pod, *, background=False):
        if intent.max_rtt_ms == 6:
            raise RuntimeError("odd")
        return real(intent, pod, background=background)

    world.cluster.resolve = faulty
    world.table.put(a_placed_pod("odd", peer_nodes="gateway", max_rtt_ms="6"))
    world.table.put(a_placed_pod(**PROMISED))
    world.measured("node-1", "gateway", *[2.0] * 10)
    await world.looks()
    assert world.states() == {"odd": "unmeasured", "web": "kept"}


async def test_a_looser_promise_that_is_kept_is_told_where_the_tighter_one_was_broken(world):
    world.table.put(a_placed_pod(**PROMISED))
    world.measured("node-1", "gateway", *[8.2] * 10)
    await world.looks(2)
    world.table.put(a_placed_pod(peer_nodes="gateway", max_rtt_ms="50"))
    await world.looks()
    assert world.heard.words() == ["broken", "kept"]


async def test_peers_are_resolved_in_the_background_once_a_group_and_until_known_nothing_is_judged(world):
    for i in range(300):
        world.table.put(a_placed_pod(f"web-{i}", peer_services="db", max_rtt_ms="5"))
    await world.looks()
    assert world.cluster.asked == [True]
    assert world.counted() == {"kept": 0, "broken": 0, "unmeasured": 300}
    world.cluster.answer = Resolution(("gateway",), (1.0,))
    world.measured("node-1", "gateway", *[2.0] * 10)
    await world.looks()
    assert world.counted()["kept"] == 300
    world.cluster.answer = Resolution(pending="services of namespace shop")
    await world.looks(2)
    assert world.counted()["kept"] == 300


async def test_a_service_without_endpoints_is_the_reason(world):
    world.table.put(a_placed_pod(peer_services="db", max_rtt_ms="5"))
    world.cluster.answer = Resolution(unresolved="service shop/db has no ready endpoints")
    await world.looks(2)
    assert world.reason() == "service shop/db has no ready endpoints"


async def test_pods_that_go_are_not_counted_any_more(world):
    raw = a_placed_pod(**PROMISED)
    world.table.put(raw)
    world.measured("node-1", "gateway", *[2.0] * 10)
    await world.looks()
    world.table.drop(raw)
    await world.looks()
    assert world.counted() == {"kept": 0, "broken": 0, "unmeasured": 0}
    assert world.keeper._standings == {}
