"""Who of two neighbours measures their path."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from extender.probing.pairs import SPOT_CHECK_INTERVALS, SPOT_CHECKED, Pairs
from extender.probing.plan import Kind
from extender.probing.symmetry import Symmetry
from extender.windows import WindowStore
from tests.extender.probing.village import Time, Village, names_of

TURN_S = SPOT_CHECK_INTERVALS * 10.0


class Town:
    """The pairs of a cluster of 200 nodes."""

    def __init__(self, store=None):
        self.village, self.time = Village(names_of(200)), Time()
        self.pairs = Pairs(8, 10.0, None if store is None else Symmetry(store), self.time.wall)
        self.pairs.update(self.village.nodes)

    def of(self, node):
        return self.pairs.of(node, self.time.now)[0]

    def measured(self, *kinds):
        """(source, target) of all paths that are measured for these reasons."""
        return {(s, t) for s in self.village.nodes for t, kind in self.of(s).items() if kind in kinds}

    def put(self, name, **changes):
        self.village.put(replace(self.village.nodes[name], **changes))
        self.pairs.update(self.village.nodes)


@pytest.fixture
def town():
    return Town()


def test_each_pair_is_measured_by_one_end_and_evenly(town):
    paths = town.measured(Kind.NEIGHBOUR)
    assert not {(t, s) for s, t in paths} & paths
    assert max(Counter(s for s, _ in paths).values()) <= 8
    assert 7.5 * 200 < len(paths) <= 8 * 200


def test_the_other_end_of_a_few_pairs_looks_too_and_of_all_in_time(town):
    ways = {(t, s) for s, t in town.measured(Kind.NEIGHBOUR)}
    seen = set()
    for _ in range(SPOT_CHECKED):
        now = town.measured(Kind.SPOT_CHECK)
        assert now <= ways
        assert 0.3 * len(ways) / SPOT_CHECKED < len(now) < 2 * len(ways) / SPOT_CHECKED
        seen |= now
        town.time.now += TURN_S
    assert seen == ways


def test_a_list_holds_until_the_next_spot_checks_and_they_do_not_all_begin_together(town):
    ends = [town.pairs.of(node, town.time.now)[1] for node in town.village.nodes]
    assert all(town.time.now < end <= town.time.now + TURN_S for end in ends)
    assert np.std(ends) > TURN_S / 5
    before = town.of("node-7")
    town.time.now = ends[7] - 0.01
    assert town.of("node-7") is before


def test_neighbours_measure_in_the_place_of_a_prober_that_is_silent(town):
    left = {(t, s) for s, t in town.measured(Kind.NEIGHBOUR) if s == "node-3"}
    assert town.pairs.listen(frozenset({"node-3"}))
    assert left <= town.measured(Kind.NEIGHBOUR)
    assert not town.pairs.listen(frozenset({"node-3"}))


def test_a_node_that_is_not_ready_is_nobodys_neighbour_and_looks_around_itself(town):
    town.put("node-3", ready=False)
    assert not {s for s, t in town.measured(*Kind) if t == "node-3"}
    assert 12 <= len(town.of("node-3")) <= 16
    town.put("node-3", ready=True)
    assert {s for s, t in town.measured(Kind.NEIGHBOUR) if t == "node-3"}


def test_cordoned_nodes_are_measured_on_because_their_pods_run_on(town):
    before = town.measured(Kind.NEIGHBOUR)
    town.put("node-3", schedulable=False)
    assert town.measured(Kind.NEIGHBOUR) == before


def test_nodes_without_a_prober_are_measured_by_members_and_divide_nobody(town):
    for i in range(0, 200, 2):
        town.put(f"node-{i}", probed=False)
    paths = town.measured(Kind.NEIGHBOUR)
    met = Counter(t for s, t in paths if int(s[5:]) % 2)
    assert all(met[f"node-{i}"] >= 4 for i in range(200))
    assert max(Counter(s for s, _ in paths).values()) <= 16


def test_a_pair_that_differs_by_direction_is_measured_from_both_ends_after_its_spot_check():
    store = WindowStore(64, 10.0)
    town = Town(store)
    checker, owner = sorted(town.measured(Kind.SPOT_CHECK))[0]
    for source, target, rtt_ms in ((checker, owner, 9.0), (owner, checker, 5.0)):
        rows = store.ensure(source, [target])
        for i in range(20):
            store.append(rows, np.array([town.time.now + 10 * i]), np.array([rtt_ms]))
    town.time.now += TURN_S
    assert town.of(checker)[owner] == Kind.ASYMMETRIC
    assert town.of(owner)[checker] == Kind.NEIGHBOUR
    assert town.pairs.asymmetric == 1
    town.village.drop(checker)
    town.pairs.update(town.village.nodes)
    assert town.pairs.asymmetric == 0
