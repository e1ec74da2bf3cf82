"""Clocks and versions."""

import pytest

from neilats.doctor.cluster import clock_off, cluster_time, scheduler_skew, versions_differ
from neilats.doctor.facts import Facts
from tests.neilats.doctor.builders import EXTENDER, found, lease, node, pod, prober_pod, scrape, texts

AT = "2026-11-21T12:{}.000000Z"


def clocks(**times):
    nodes = [node(name) for name in times]
    return Facts(nodes=nodes, leases=[lease(name, AT.format(when)) for name, when in times.items()])


def test_clocks_that_agree_within_a_minute_are_fine():
    assert found(clock_off, clocks(a="00:00", b="00:09", c="00:55")) == []


def test_a_clock_behind_and_one_ahead_are_told_apart():
    assert texts(clock_off, clocks(a="30:00", b="30:05", c="30:09", d="20:00", e="45:00")) == [
        "node d: its lease was renewed 605 s behind the others, though it is Ready",
        "node e: its lease was renewed 895 s ahead of the others, though it is Ready",
    ]


def test_a_node_that_is_not_ready_has_an_old_lease_by_right():
    facts = clocks(a="30:00", b="30:05", c="20:00")
    assert found(clock_off, Facts(nodes=[*facts.nodes[:2], node("c", ready=False)], leases=facts.leases)) == []


def test_leases_without_a_time_or_a_node_are_left_out():
    facts = Facts(nodes=[node("a")], leases=[lease("a", "soon"), lease("ghost", AT.format("00:00"))])
    assert found(clock_off, facts) == []
    assert cluster_time(facts) is None


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("v1.36.3", ""),
        ("v1.35.0", ""),
        ("v1.34.9", "more than one minor version older than"),
        ("v1.37.0", "newer than"),
        ("latest", ""),
    ],
)
def test_kube_scheduler_may_be_one_minor_version_older_and_never_newer(tag, words):
    containers = [{"name": "s", "image": f"registry.k8s.io/kube-scheduler:{tag}"}]
    facts = Facts(version="v1.36.3", pods=[pod("s", containers=containers)])
    assert [words in text for text in texts(scheduler_skew, facts)] == ([True] if words else [])


def test_components_of_one_version_agree():
    facts = Facts(
        extenders=[scrape("e", 'neilats_build_info{version="1.0"} 1')],
        probers=[scrape("p", 'neilats_prober_build_info{version="1.0",node="p",mode="dgram"} 1')],
    )
    assert found(versions_differ, facts) == []


def test_components_of_different_versions_are_named():
    facts = Facts(
        extenders=[scrape("e", 'neilats_build_info{version="1.1"} 1')],
        probers=[scrape("p", 'neilats_prober_build_info{version="1.0",node="p",mode="dgram"} 1')],
    )
    assert texts(versions_differ, facts) == ["namespace neilats: 1.0: neilats/pod-p; 1.1: neilats/pod-e"]


def test_without_metrics_their_images_are_compared():
    one = pod("e", namespace="neilats", labels=EXTENDER, containers=[{"name": "extender", "image": "neilats:1"}])
    other = prober_pod("a", containers=[{"name": "prober", "image": "neilats:2"}])
    assert len(found(versions_differ, Facts(own_pods=[one, other]))) == 1
    assert found(versions_differ, Facts(own_pods=[one])) == []
