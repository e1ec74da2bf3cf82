"""The numbers of a decision: looked at one by one before all of them are made, and the same afterwards."""

import numpy as np
import pytest

from tests.extender.conftest import NODES, a_pod


@pytest.fixture
async def table(bench):
    await bench.star("node-1", {"node-2": 2.0, "node-3": 3.0})
    await bench.star("node-2", {"node-3": 7.0})
    await bench.scores(a_pod(peer_nodes="node-1,node-2"))
    (decision,) = bench.extender.decisions
    return decision.table


def one(paths):
    return [
        (p.peer, p.direction.tolist(), p.samples.tolist(), {k: v.tolist() for k, v in p.columns.items()}) for p in paths
    ]


async def test_one_candidates_paths_are_those_of_the_whole_table(table):
    before = [table.paths_of(i, 5) for i in range(len(NODES))]
    settled = table.settled()
    for i, paths in enumerate(before):
        np.testing.assert_equal(one(paths), one(settled.paths_of(i, 5)))
        np.testing.assert_equal(one(paths), one(table.paths_of(i, 5)))
    assert [len(table.paths_of(0, most)) for most in (1, 2, 3)] == [1, 2, 2]


async def test_candidates_are_found_by_name_before_and_after(table):
    for each in (table, table.settled()):
        assert [each.find(name) for name in (*NODES, "stranger")] == [0, 1, 2, 3, None]
        assert [each.name(i) for i in range(4)] == list(NODES)
        assert each.peers == 2
        assert list(each.names) == list(NODES)


async def test_what_is_made_does_not_change_when_windows_move_on(bench, table):
    before = one(table.paths_of(1, 1))
    await bench.star("node-1", {"node-2": 50.0}, 1)
    await bench.scores(a_pod("later", peer_nodes="node-1,node-2"))
    assert one(table.paths_of(1, 1)) == before
