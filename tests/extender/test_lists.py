"""Lists of names that came lately."""

import pytest

from extender.lists import KEPT, LONGEST, RecentLists
from tests.extender.conftest import NODES, a_pod


def test_the_same_bytes_find_what_they_were_and_others_nothing():
    lists = RecentLists()
    lists.keep(b'["a"]', "the candidates")
    assert lists.find(b'["a"]') == "the candidates"
    assert lists.find(b'["b"]') is None
    lists.clear()
    assert lists.find(b'["a"]') is None


def test_only_the_last_few_are_kept():
    lists = RecentLists()
    for i in range(KEPT + 1):
        lists.keep(b"%d" % i, i)
    assert [lists.find(b"%d" % i) for i in range(KEPT + 1)] == [None, *range(1, KEPT + 1)]


def test_what_is_too_long_is_not_kept():
    lists = RecentLists()
    lists.keep(bytes(LONGEST + 1), 1)
    assert lists.find(bytes(LONGEST + 1)) is None


@pytest.mark.parametrize("mode", ["prefer", "require"])
async def test_prioritize_scores_the_names_that_filter_has_passed_in_any_order(bench, mode):
    await bench.star("node-1", {"node-2": 1.0, "node-3": 5.0, "node-4": 9.0})
    pod = a_pod("p", peer_nodes="node-1", max_rtt_ms="20", mode=mode)
    for names in (NODES, NODES[::-1], NODES[1:3]):
        await bench.ask("filter", pod, names)
        answer = await bench.ask("prioritize", pod, names)
        assert [entry["Host"] for entry in answer] == list(names)
