"""Which pods of a cluster are kept, and how little of them."""

import pytest

from extender.placed.table import PlacedTable
from tests.extender.placed.conftest import a_placed_pod

PROMISED = {"peer_nodes": "gateway", "max_rtt_ms": "5"}


@pytest.fixture
def table():
    return PlacedTable()


def names(table):
    return sorted(placed.pod.name for placed in table)


def test_a_pod_without_a_word_to_us_leaves_nothing_behind(table):
    assert table.put(a_placed_pod()) == ""
    assert len(table) == 0
    assert table.groups() == []


def test_a_pod_that_only_prefers_near_nodes_was_promised_nothing(table):
    assert table.put(a_placed_pod(peer_nodes="gateway")) == ""
    assert len(table) == 0


def test_a_promise_is_kept_with_node_and_scheduler_and_without_annotations(table):
    assert table.put(a_placed_pod(**PROMISED)) == "uid-web"
    (placed,) = table
    assert (placed.pod.node, placed.scheduler, placed.intent.max_rtt_ms) == ("node-1", "neilats-scheduler", 5)
    assert (dict(placed.pod.annotations), dict(placed.pod.labels)) == ({}, {})


def test_a_pod_with_a_mistake_is_kept_so_that_somebody_hears_of_it(table):
    table.put(a_placed_pod(peer_nodes="gateway", max_rtt_ms="soon"))
    (placed,) = table
    assert placed.intent.mistakes


def test_the_old_labels_are_a_promise(table):
    raw = a_placed_pod()
    raw["metadata"]["labels"] = {"nei_node": "gateway", "sla": "5"}
    table.put(raw)
    (placed,) = table
    assert placed.intent.legacy


@pytest.mark.parametrize("label", ["nei_node", "sla"])
def test_one_of_the_old_labels_alone_may_be_somebody_elses(table, label):
    raw = a_placed_pod()
    raw["metadata"]["labels"] = {label: "gold"}
    assert table.put(raw) == ""
    assert len(table) == 0


def test_equal_promises_share_one_group_and_one_intent(table):
    for i in range(100):
        table.put(a_placed_pod(f"web-{i}", **PROMISED))
    table.put(a_placed_pod("other", peer_nodes="gateway", max_rtt_ms="6"))
    groups = table.groups()
    assert sorted(len(group.pods) for group in groups) == [1, 100]
    assert len({id(placed.intent) for placed in table}) == 2


def test_pods_that_select_peers_are_grouped_with_their_siblings_alone(table):
    for name, owner in (("a-1", "a"), ("a-2", "a"), ("b-1", "b"), ("lone-1", ""), ("lone-2", "")):
        raw = a_placed_pod(name, peer_pods="app=db", max_rtt_ms="5")
        if owner:
            raw["metadata"]["ownerReferences"] = [{"uid": owner, "controller": True}]
        table.put(raw)
    assert sorted(sorted(p.pod.name for p in g.pods.values()) for g in table.groups()) == [
        ["a-1", "a-2"],
        ["b-1"],
        ["lone-1"],
        ["lone-2"],
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"annotations": {}}},
        {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}},
        {"status": {"phase": "Succeeded"}},
        {"spec": {"nodeName": ""}},
    ],
    ids=["intent taken away", "on its way out", "finished", "no node"],
)
def test_a_pod_that_ceases_to_be_one_is_forgotten(table, change):
    table.put(a_placed_pod(**PROMISED))
    raw = a_placed_pod(**PROMISED)
    for part, fields in change.items():
        raw[part] |= fields
    table.put(raw)
    assert names(table) == []
    assert table.groups() == []


def test_deleted_pods_and_those_that_a_new_list_lacks_are_forgotten(table):
    for name in "abc":
        table.put(a_placed_pod(name, **PROMISED))
    table.drop(a_placed_pod("a", **PROMISED))
    assert names(table) == ["b", "c"]
    table.begin()
    assert table.retain({table.put(a_placed_pod("c", **PROMISED)), ""})
    assert names(table) == ["c"]


def test_a_pod_that_cannot_be_read_is_an_error_that_the_watch_skips(table):
    raw = a_placed_pod(**PROMISED)
    raw["spec"]["nodeName"] = 7
    with pytest.raises(ValueError, match=r"spec\.nodeName must be a string"):
        table.put(raw)
    for raw in ({}, {"metadata": []}, {"metadata": {"annotations": 3}}):
        assert table.put(raw) == ""
