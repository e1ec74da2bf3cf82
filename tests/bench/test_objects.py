"""Node and Pod objects are as large as real ones, always the same, and what the extender reads."""

import json

from bench.objects import addresses, args, node_json, node_names, pod_json
from extender.cluster.tables import NodeTable
from extender.pods import Pod
from extender.wire import decode_args

NAMES = node_names(300)
ANNOTATIONS = {"neilats.io/peer-nodes": NAMES[0]}


def encoded(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def test_nodes_have_the_size_of_real_ones_and_differ() -> None:
    nodes = [encoded(node_json(name)) for name in NAMES]
    assert all(6000 < len(node) < 7500 for node in nodes)
    assert len(set(nodes)) == len(nodes)
    assert nodes[7] == encoded(node_json(NAMES[7]))


def test_nodes_are_ready_nodes_to_the_extender() -> None:
    table = NodeTable()
    for name in NAMES[:3]:
        table.put(node_json(name))
    assert list(table.nodes) == NAMES[:3]
    assert all(node.ready and node.addresses for node in table.nodes.values())


def test_pods_have_the_size_of_real_ones_and_a_uid_each() -> None:
    one, two = (Pod.from_json(pod_json("web", ANNOTATIONS, number)) for number in (1, 2))
    assert one.uid != two.uid
    assert one.annotations["neilats.io/peer-nodes"] == NAMES[0]
    assert 3000 < len(encoded(pod_json("web", ANNOTATIONS))) < 4500


def test_addresses_are_all_different() -> None:
    assert len(set(addresses(node_names(70_000)).values())) == 70_000


def test_calls_with_names_and_with_nodes_hold_the_candidates_in_order() -> None:
    pod, order = pod_json("web", ANNOTATIONS), [NAMES[2], NAMES[0], NAMES[1]]
    with_names = decode_args(args(pod, order))
    with_nodes = decode_args(args(pod, order, {name: encoded(node_json(name)) for name in NAMES[:3]}))
    assert with_names.names == with_nodes.names == order
    assert with_names.nodes is None
    assert with_nodes.nodes is not None
    assert bytes(with_nodes.nodes[1]) == encoded(node_json(NAMES[0]))
    assert json.loads(args(pod, order)).keys() == {"Pod", "Nodes", "NodeNames"}
