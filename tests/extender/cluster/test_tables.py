"""What is kept of nodes, services, endpoints and pods."""

import random
from collections import Counter
from typing import Any

import pytest

from extender.cluster.base import NodeInfo
from extender.cluster.podtable import PodTable
from extender.cluster.tables import NodeTable, ServiceTable, SliceTable
from extender.intents import Pod
from extender.selectors import parse_selector
from tests.extender.cluster.fake_api import endpoints, node, pod, service

DB = parse_selector("app=db")
ASKING = Pod("shop", "web", "uid-web")


class Heard:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.pods: list[Pod] = []
        self.lists: list[tuple[set[str], int]] = []
        self.mark = 0

    def saw(self, pod: Pod) -> None:
        self.pods.append(pod)

    def begin_list(self) -> int:
        self.mark += 1
        return self.mark

    def listed(self, namespace: str, uids: set[str], mark: int) -> bool:
        self.lists.append((uids, mark))
        return True


def pods(*raw: dict[str, Any]) -> PodTable:
    table = PodTable("shop", Heard())
    for each in raw:
        table.put(each)
    return table


# -- nodes ------------------------------------------------------------------------------------------------------


def test_a_node_keeps_its_internal_addresses_of_both_families_and_its_state() -> None:
    table = NodeTable()
    table.put(node("a", "10.0.0.1", "fd00::1", podCIDRs=["10.1.0.0/24", "fd01::/64"]))
    table.put(node("b", ready="Unknown", unschedulable=True, podCIDR="10.1.1.0/24"))
    assert table.nodes == {
        "a": NodeInfo("a", ("10.0.0.1", "fd00::1"), ("10.1.0.0/24", "fd01::/64")),
        "b": NodeInfo("b", (), ("10.1.1.0/24",), ready=False, schedulable=False),
    }


def test_external_addresses_serve_where_there_are_no_internal_ones() -> None:
    raw = node("a", "no-address")
    raw["status"]["addresses"].append({"type": "ExternalIP", "address": "192.0.2.1"})
    table = NodeTable()
    table.put(raw)
    assert table.nodes["a"].addresses == ("192.0.2.1",)


def test_nodes_that_the_selector_leaves_out_run_no_prober() -> None:
    table = NodeTable(parse_selector("kubernetes.io/os!=windows"))
    for name, labels in (("linux", {"kubernetes.io/os": "linux"}), ("windows", {"kubernetes.io/os": "windows"})):
        raw = node(name)
        raw["metadata"]["labels"] = labels
        table.put(raw)
    table.put(node("unlabelled"))
    assert {n.name: n.probed for n in table.nodes.values()} == {"linux": True, "windows": False, "unlabelled": True}


def test_the_version_changes_with_nodes_addresses_and_pod_ranges_only() -> None:
    table = NodeTable()
    versions = []
    table.put(node("a", "10.0.0.1"))
    for change in (
        lambda: table.put(node("a", "10.0.0.1", ready="False")),
        lambda: table.put(node("a", "10.0.0.2")),
        lambda: table.put(node("a", "10.0.0.2", podCIDRs=["10.1.0.0/24"])),
        lambda: table.put(node("b")),
        lambda: table.drop(node("b")),
        lambda: table.drop(node("b")),
        lambda: table.retain({"a"}),
        lambda: table.retain(set()),
    ):
        before = table.version
        change()
        versions.append(table.version != before)
    assert versions == [False, True, True, True, True, False, False, True]


@pytest.mark.parametrize("table", [NodeTable(), ServiceTable(), SliceTable(), PodTable("shop", Heard())])
@pytest.mark.parametrize("raw", [{}, {"metadata": None}, {"metadata": {"name": ""}}, 5])
def test_an_object_without_a_name_is_refused(table: Any, raw: Any) -> None:
    with pytest.raises(ValueError, match=r"missing|object"):
        table.put(raw)


def test_a_pod_without_a_uid_is_refused() -> None:
    with pytest.raises(ValueError, match=r"pod shop/a: metadata.uid is missing"):
        pods({"metadata": {"name": "a", "namespace": "shop"}})


# -- services and endpoints -------------------------------------------------------------------------------------


def test_services_exist_until_they_are_deleted() -> None:
    table = ServiceTable()
    for name in "abc":
        table.put(service(name))
    table.put(service("alias", "ExternalName"))
    table.drop(service("a"))
    table.retain({"b", "alias"})
    assert [name in table for name in ("a", "b", "c", "alias")] == [False, True, False, True]
    assert [table.is_alias(name) for name in ("b", "alias", "z")] == [False, True, False]


@pytest.mark.parametrize(
    ("conditions", "counts"),
    [
        ({}, True),
        ({"ready": None}, True),
        ({"ready": True}, True),
        ({"ready": False}, False),
        ({"ready": True, "terminating": True}, False),
        ({"ready": True, "terminating": False}, True),
    ],
)
def test_an_endpoint_counts_unless_it_is_not_ready_or_leaving(conditions: dict[str, Any], counts: bool) -> None:
    table = SliceTable()
    table.put(endpoints("db-1", "db", "a", **conditions))
    assert table.nodes_of("db") == ({"a": 1} if counts else {})


def test_endpoints_are_summed_over_the_slices_of_a_service() -> None:
    table = SliceTable()
    table.put(endpoints("db-1", "db", "a", "a", "b"))
    table.put(endpoints("db-2", "db", "b", None))
    table.put(endpoints("other", "cache", "c"))
    assert table.nodes_of("db") == {"a": 2, "b": 2, "": 1}
    table.put(endpoints("db-2", "cache", "d"))
    assert table.nodes_of("db") == {"a": 2, "b": 1}
    table.drop(endpoints("db-1", "db"))
    table.retain({"db-2"})
    assert (table.nodes_of("db"), table.nodes_of("cache")) == ({}, {"d": 1})


def test_slices_without_a_service_or_endpoints_are_nobodys() -> None:
    table = SliceTable()
    table.put({"metadata": {"name": "a", "labels": None}, "endpoints": None})
    table.put(endpoints("db-1", "db") | {"endpoints": None})
    assert table.nodes_of("db") == {}


# -- pods -------------------------------------------------------------------------------------------------------


def test_pods_count_where_they_run_or_are_about_to() -> None:
    labels = {"app": "db"}
    table = pods(
        pod("running", "a", labels=labels),
        pod("starting", "b", labels=labels, phase="Pending"),
        pod("unbound", labels=labels),
        pod("done", "c", labels=labels, phase="Succeeded"),
        pod("failed", "c", labels=labels, phase="Failed"),
        pod("leaving", "c", labels=labels, deleted=True),
        pod("other", "d", labels={"app": "cache"}),
    )
    assert table.nodes_of(DB, ASKING) == {"a": 1, "b": 1}


def test_the_pod_itself_and_its_siblings_are_left_out() -> None:
    table = pods(
        pod("db-1", "a", labels={"app": "db"}, owner="rs-1"),
        pod("db-2", "b", labels={"app": "db"}, owner="rs-2"),
        pod("alone", "c", labels={"app": "db"}),
        pod("alone-too", "c", labels={"app": "db"}),
    )
    assert table.nodes_of(DB, Pod("shop", "db-3", "uid-db-3", owner="rs-1")) == {"b": 1, "c": 2}
    assert table.nodes_of(DB, Pod("shop", "db-1", "uid-db-1", owner="rs-1")) == {"b": 1, "c": 2}
    assert table.nodes_of(DB, Pod("shop", "alone", "uid-alone")) == {"a": 1, "b": 1, "c": 1}


def test_a_list_forgets_the_pods_that_are_gone() -> None:
    heard = Heard()
    table = PodTable("shop", heard)
    for name in "ab":
        table.put(pod(name, name, labels={"app": "db"}))
    table.begin()
    table.retain({"uid-b"})
    assert table.nodes_of(DB, ASKING) == {"b": 1}
    assert heard.lists == [({"uid-b"}, 1)]


def test_the_listener_hears_of_every_pod_and_of_its_end() -> None:
    heard = Heard()
    table = PodTable("shop", heard)
    table.put(pod("a"))
    table.put(pod("a", "n"))
    table.drop(pod("a", "n"))
    assert [(p.node, p.deleted) for p in heard.pods] == [("", False), ("n", False), ("n", True)]


def test_counts_agree_with_a_plain_dictionary_through_any_changes() -> None:
    rng = random.Random(7)
    table = pods()
    plain: dict[str, Pod] = {}
    for _ in range(2000):
        name = f"p{rng.randrange(20)}"
        raw = pod(
            name,
            rng.choice(["", "a", "b"]),
            labels=rng.choice([{}, {"app": "db"}, {"app": "db", "x": "y"}]),
            owner=rng.choice(["", "o"]),
            phase=rng.choice(["Running", "Failed"]),
        )
        if rng.random() < 0.3:
            table.drop(raw)
            plain.pop(name, None)
        else:
            table.put(raw)
            plain[name] = Pod.from_json(raw)
    for asking in (ASKING, Pod("shop", "p1", "uid-p1"), Pod("shop", "p2", "uid-p2", owner="o")):
        expected = Counter(
            p.occupies
            for p in plain.values()
            if p.occupies
            and DB.matches(p.labels)
            and p.uid != asking.uid
            and not (asking.owner and p.owner == asking.owner)
        )
        assert table.nodes_of(DB, asking) == expected
    table.retain(set())
    assert not table._groups


UID = "00000000-0000-4000-8000-00000000000a"


@pytest.mark.parametrize(
    "other",
    [
        UID.replace("-", ""),
        UID.upper(),
        "0000000-00000-4000-8000-00000000000a",
        "+" + UID[1:],
        "\N{ARABIC-INDIC DIGIT ZERO}" + UID[1:],
        "0x" + UID[2:],
        UID[:-2] + "_a",
        str(int(UID.replace("-", ""), 16)),
    ],
)
def test_uids_that_look_alike_are_pods_of_their_own(other: str) -> None:
    table = PodTable("shop", Heard())
    keys = {}
    for uid in (UID, other):
        raw = pod("db", "a", labels={"app": "db"})
        raw["metadata"]["uid"] = uid
        keys[uid] = table.put(raw)
    assert table.nodes_of(DB, ASKING) == {"a": 2}
    assert table.nodes_of(DB, Pod("shop", "db", UID)) == {"a": 1}
    table.begin()
    table.retain({keys[other]})
    assert table.nodes_of(DB, Pod("shop", "db", other)) == {}
