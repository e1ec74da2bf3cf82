"""The node behind a token."""

import pytest

from extender.access.identity import Identity
from extender.access.nodes import NodeFinder
from extender.cluster.api import ApiError
from extender.errors import NotReady, Refused
from tests.extender.access.fake_reviews import PROBER, of_pod, on_node

POD = "/api/v1/namespaces/neilats/pods/prober-x"


def identity(extra, user=PROBER):
    return Identity(user, extra={k: tuple(v) for k, v in extra.items()})


@pytest.fixture
def finder(server, clock):
    server.pods[POD] = {"metadata": {"uid": "uid-1"}, "spec": {"nodeName": "node-2"}}
    return NodeFinder(server, clock)


async def test_the_review_names_the_node(server, finder):
    assert await finder.node_of(identity(on_node("node-1") | of_pod("prober-x"))) == "node-1"
    assert server.asked == []


async def test_of_an_older_cluster_the_pod_names_it_and_is_read_once(server, finder):
    for _ in range(3):
        assert await finder.node_of(identity(of_pod("prober-x"))) == "node-2"
    assert server.asked == [POD]


@pytest.mark.parametrize("user", [PROBER, "eve"])
async def test_a_token_of_no_pod_has_no_node(finder, user):
    with pytest.raises(Refused, match="bound to no pod"):
        await finder.node_of(identity({} if user == PROBER else of_pod("prober-x"), user))


async def test_a_pod_that_is_gone_has_no_node(finder):
    with pytest.raises(Refused, match="neilats/gone, which does not exist"):
        await finder.node_of(identity(of_pod("gone")))


async def test_a_pods_successor_is_another_pod(finder):
    with pytest.raises(Refused, match="an earlier pod"):
        await finder.node_of(identity(of_pod("prober-x", "uid-0")))


async def test_a_pod_that_is_not_bound_yet_is_read_again(server, finder):
    node = server.pods[POD]["spec"].pop("nodeName")
    with pytest.raises(Refused, match="no node yet"):
        await finder.node_of(identity(of_pod("prober-x")))
    server.pods[POD]["spec"]["nodeName"] = node
    assert await finder.node_of(identity(of_pod("prober-x"))) == "node-2"


@pytest.mark.parametrize("failure", [ApiError("silent", "nothing came"), ApiError.of_status(500, "no")])
async def test_a_pod_that_cannot_be_read_now_is_asked_for_again(server, finder, failure):
    server.failure = failure
    with pytest.raises(NotReady, match="try again"):
        await finder.node_of(identity(of_pod("prober-x")))


async def test_a_pods_name_cannot_leave_its_place_in_the_path(server, finder):
    with pytest.raises(Refused):
        await finder.node_of(identity(of_pod("../../../nodes/x")))
    assert server.asked == ["/api/v1/namespaces/neilats/pods/..%2F..%2F..%2Fnodes%2Fx"]


async def test_a_known_pods_node_is_not_that_of_its_successor(finder):
    assert await finder.node_of(identity(of_pod("prober-x"))) == "node-2"
    with pytest.raises(Refused, match="an earlier pod"):
        await finder.node_of(identity(of_pod("prober-x", "uid-0")))


async def test_a_known_pods_node_is_not_that_of_its_namesake_in_another_namespace(server, finder):
    server.pods[POD.replace("/neilats/", "/other/")] = {"metadata": {"uid": "uid-1"}, "spec": {"nodeName": "node-3"}}
    assert await finder.node_of(identity(of_pod("prober-x"))) == "node-2"
    other = identity(of_pod("prober-x"), PROBER.replace(":neilats:", ":other:"))
    assert await finder.node_of(other) == "node-3"


@pytest.mark.parametrize("raw", [b"", b'{"metadata": {"uid": "\xff"}}', b"[" * 100_000])
async def test_a_pod_that_cannot_be_decoded_is_asked_for_again(server, finder, raw):
    server.raw = raw
    with pytest.raises(NotReady, match="try again"):
        await finder.node_of(identity(of_pod("prober-x")))
