"""What pods ask for: heard, understood, possible?"""

import pytest

from neilats.doctor.facts import Facts
from neilats.doctor.intents import invalid, peer_missing, unheard, unschedulable
from tests.neilats.doctor.builders import (
    asking,
    asking_neilats,
    found,
    kube_scheduler,
    node,
    pod,
    requiring,
    services,
    slices,
    texts,
)

BREAKS = "0/4 nodes are available: 4 path to node-1 breaks 5 ms."


def pending(message, **annotations):
    condition = {"type": "PodScheduled", "status": "False", "message": message}
    return pod(
        "web",
        annotations={"peer_nodes": "node-1", "max_rtt_ms": "5", "mode": "require"} | annotations,
        status={"phase": "Pending", "conditions": [condition]},
    )


def test_pods_of_a_scheduler_that_asks_neilats_are_heard():
    facts = Facts(configs=[asking_neilats()], pods=[asking("web", peer_nodes="node-1"), pod("plain")])
    assert found(unheard, facts) == []


def test_pods_of_another_scheduler_are_told_by_workload_with_the_command():
    pods = [asking(n, "default-scheduler", peer_nodes="node-1") for n in ("web", "web", "api")]
    api, web = found(unheard, Facts(configs=[asking_neilats()], pods=pods))
    assert (api.where, web.where) == ("deployment shop/api", "deployment shop/web")
    assert "default-scheduler, which does not ask neilats" in web.what
    assert web.fix.startswith("kubectl -n shop patch deployment web --patch")
    assert '"schedulerName":"neilats-scheduler"' in web.fix


@pytest.mark.parametrize(
    ("owner", "start"),
    [
        (None, "delete the pod"),
        (("Job", "j"), "delete the job"),
        (("StatefulSet", "db"), "kubectl -n shop patch stateful"),
    ],
)
def test_what_cannot_be_patched_is_to_be_created_anew(owner, start):
    item = pod("x", annotations={"peer_nodes": "a"}, owner=owner, schedulerName="other")
    assert found(unheard, Facts(configs=[asking_neilats()], pods=[item]))[0].fix.startswith(start)


def test_a_host_file_may_serve_them_so_nothing_is_claimed():
    hidden = kube_scheduler("--config=/etc/s.yaml")
    pods = [asking("web", "default-scheduler", peer_nodes="node-1"), hidden]
    assert found(unheard, Facts(pods=pods)) == []
    assert len(found(unheard, Facts(pods=pods, configs=[asking_neilats()]))) == 1


def test_pods_that_have_ended_ask_for_nothing():
    done = pod("x", annotations={"peer_nodes": "a"}, schedulerName="other", status={"phase": "Succeeded"})
    assert found(unheard, Facts(configs=[asking_neilats()], pods=[done])) == []


def test_a_label_called_sla_on_a_strangers_pod_means_nothing():
    stranger = pod("x", labels={"sla": "gold"}, schedulerName="other")
    facts = Facts(configs=[asking_neilats()], pods=[stranger])
    assert [found(check, facts) for check in (unheard, invalid)] == [[], []]
    ours = Facts(configs=[asking_neilats()], pods=[pod("x", labels={"sla": "gold"})])
    assert "label sla without label nei_node" in texts(invalid, ours)[0]
    both = pod("x", labels={"sla": "5", "nei_node": "a"}, schedulerName="other")
    assert len(found(unheard, Facts(configs=[asking_neilats()], pods=[both]))) == 1


def test_all_mistakes_of_a_workload_are_told_once():
    pods = [asking("web", peer_nodes="A B", max_rtt_ms="soon") for _ in range(3)]
    (text,) = texts(invalid, Facts(pods=pods))
    assert text.startswith("deployment shop/web: ")
    assert text.count("expected milliseconds") == 1
    assert "is no node name" in text


def test_an_unknown_profile_is_a_mistake():
    assert "profile" in texts(invalid, Facts(pods=[asking("web", peer_nodes="a", profile="fast")]))[0]


def test_peers_that_exist_are_fine():
    db = pod("db-1", labels={"app": "db"}, nodeName="node-1", status={"phase": "Running"})
    web = asking("web", peer_nodes="node-1", peer_services="cache", peer_pods="app=db")
    facts = Facts(
        nodes=[node("node-1")],
        pods=[web, db],
        services={"shop": services("cache")},
        slices={"shop": slices(cache=["node-1"])},
    )
    assert found(peer_missing, facts) == []


def test_peers_that_do_not_exist_are_named():
    web = asking("web", peer_nodes="node-9", peer_services="gone,idle,alias")
    facts = Facts(
        pods=[web], services={"shop": services("idle", alias="ExternalName")}, slices={"shop": slices(idle=[])}
    )
    (text,) = texts(peer_missing, facts)
    assert "node node-9 does not exist; service shop/gone does not exist; service shop/idle has no ready" in text
    assert text.endswith("and 1 more")


def test_a_pod_is_no_peer_of_itself_nor_are_its_siblings():
    sibling = pod("w-2", labels={"app": "w"}, owner=("ReplicaSet", "w"), nodeName="a", status={"phase": "Running"})
    web = pod("w-1", annotations={"peer_pods": "app=w"}, labels={"app": "w"}, owner=("ReplicaSet", "w"), nodeName="a")
    assert texts(peer_missing, Facts(pods=[web, sibling])) == ["replicaset shop/w: no running pod matches app=w"]
    stranger = pod("w-3", labels={"app": "w"}, nodeName="a", status={"phase": "Running"})
    assert found(peer_missing, Facts(pods=[web, sibling, stranger])) == []
    elsewhere = pod("w-3", namespace="lab", labels={"app": "w"}, nodeName="a")
    assert len(found(peer_missing, Facts(pods=[web, sibling, elsewhere]))) == 1


def test_services_beyond_what_was_read_are_not_called_missing():
    assert found(peer_missing, Facts(pods=[asking("web", peer_services="far/db")])) == []


@pytest.mark.parametrize("words", ["4 path to node-1 breaks 5 ms", "1 path to b is unmeasured", "waiting for peers: x"])
def test_a_require_pod_that_is_refused_everywhere_is_told(words):
    (finding,) = found(unschedulable, Facts(pods=[pending(f"0/4 nodes are available: {words}.")]))
    assert words in finding.what
    assert finding.fix.startswith("neilats score node-1 --sla-ms 5 ")


def test_waiting_for_measurements_or_for_cpu_is_no_trouble_of_the_intent():
    for message in ("0/4 nodes are available: 4 measuring path to node-1.", "0/4: 4 Insufficient cpu.", ""):
        assert found(unschedulable, Facts(pods=[pending(message)])) == []


def test_bound_and_preferring_and_misspelt_pods_are_not_unschedulable():
    bound = requiring("web")
    facts = Facts(pods=[bound, pending(BREAKS, mode="prefer"), pending(BREAKS, max_rtt_ms="soon")])
    assert found(unschedulable, facts) == []
