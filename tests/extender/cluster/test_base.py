"""Peers gathered into a Resolution, however many nodes they have."""

from collections import Counter

from extender.cluster.base import MAX_NODES, NodeInfo, Shares


def test_of_very_many_nodes_the_heaviest_are_kept_in_their_order() -> None:
    found = Shares()
    found.add_peer(Counter({f"n{i:03}": 1 for i in reversed(range(400))}))
    found.add_peer({"n399": 1, "n398": 1})
    kept = found.resolution()
    assert kept.nodes == ("n399", "n398", *(f"n{i:03}" for i in reversed(range(MAX_NODES - 2))))
    assert kept.weights == tuple(found.weights[node] for node in kept.nodes)
    assert (kept.note, kept.unresolved) == ("32 of 400 peer nodes considered, the heaviest", "")


def test_up_to_the_limit_nothing_is_noted() -> None:
    found = Shares()
    found.add_peer({f"n{i}": 1 for i in range(MAX_NODES)})
    assert (len(found.resolution().nodes), found.resolution().note) == (MAX_NODES, "")


def test_a_node_that_was_named_is_never_left_out() -> None:
    names = [f"named-{i}" for i in range(MAX_NODES + 8)]
    found = Shares()
    found.add_peer({f"n{i}": 1 for i in range(400)})
    found.add_nodes(names, {name: NodeInfo(name) for name in names})
    assert found.resolution().nodes == tuple(names)


def test_what_is_unresolved_is_told_in_a_few_short_lines() -> None:
    found = Shares()
    found.add_nodes(["x" * 250] * 64, {})
    told = found.resolution().unresolved
    assert told.endswith("; and 59 more")
    assert len(told) < 1100
