"""The circles of neighbours: connected in few steps, even, and hardly changed by who comes and goes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.probing.overlay import Overlay
from tests.extender.probing.village import names_of

RINGS = 8
NAMES = st.sets(st.text(min_size=1, max_size=8), min_size=2, max_size=60)


def overlay(names, rings=RINGS):
    found = Overlay(rings)
    found.update(names)
    return found


def neighbours(circles, names):
    """Everybody's neighbours, both ways, by name."""
    found = {}
    for name in names:
        ahead, behind = circles.around(name)
        found[name] = {*ahead, *behind}
    return found


def farthest(near, starts):
    """The most steps from any of the starts to any node; fails where there is no way."""
    index = {name: i for i, name in enumerate(near)}
    edges = np.array([(index[a], index[b]) for a, others in near.items() for b in others])
    reached = np.zeros((len(starts), len(near)), bool)
    reached[np.arange(len(starts)), [index[s] for s in starts]] = True
    for steps in range(len(near)):
        if reached.all():
            return steps
        further = reached.copy()
        for row, before in zip(further, reached, strict=True):
            row[edges[before[edges[:, 0]], 1]] = True
        assert (further != reached).any(), "not connected"
        reached = further
    return None


@given(NAMES)
def test_neighbours_are_mutual_connected_and_at_most_two_a_circle(names):
    near = neighbours(overlay(names), names)
    assert all(a in near[b] for a in names for b in near[a])
    assert all(name not in others and 1 <= len(others) <= 2 * RINGS for name, others in near.items())
    assert farthest(near, sorted(names)[:1]) is not None


@given(NAMES, st.text(min_size=9, max_size=9))
def test_one_node_more_or_less_changes_the_lists_of_its_neighbours_only(names, comer):
    circles = overlay(names)
    before = neighbours(circles, names)
    circles.update({*names, comer})
    after = neighbours(circles, {*names, comer})
    changed = {name for name in names if before[name] != after[name]}
    assert changed <= after[comer]
    circles.update(names)
    assert neighbours(circles, names) == before


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_nodes_that_came_one_by_one_and_those_that_were_there_at_once_are_the_same(steps):
    grown = Overlay(RINGS)
    for names in steps:
        grown.update(names)
    assert neighbours(grown, steps[-1]) == neighbours(overlay(sorted(steps[-1])), steps[-1])


def test_many_changes_at_once_end_where_single_ones_do():
    grown = Overlay(RINGS)
    for name in names_of(200):
        grown.update({*grown.members, name})
    assert neighbours(grown, names_of(200)) == neighbours(overlay(names_of(200)), names_of(200))


@pytest.mark.parametrize(("count", "steps"), [(100, 3), (1000, 4), (5000, 5)])
def test_all_nodes_are_connected_by_few_steps(count, steps):
    names = names_of(count)
    near = neighbours(overlay(names), names)
    assert farthest(near, names[:: count // 20]) <= steps
    assert np.mean([len(others) for others in near.values()]) > 0.85 * 2 * RINGS


def test_a_node_that_is_not_there_is_told_who_would_be_around_it():
    circles = overlay(names_of(100))
    around = circles.around("newcomer")
    circles.update([*names_of(100), "newcomer"])
    assert circles.around("newcomer") == around


def test_other_nodes_are_shared_out_among_the_members_that_they_follow():
    members, others = overlay(names_of(50)), overlay([f"mute-{i}" for i in range(30)])
    served = [other for name in names_of(50) for other in members.followers(name, others, most=1000)]
    assert set(served) == set(others.members)
    assert len(served) <= RINGS * 30
    assert len(members.followers("node-1", others, most=3)) <= 3
    assert members.followers("node-1", Overlay(RINGS), most=3) == []


def test_a_single_member_is_followed_by_all_and_has_no_neighbours():
    alone, others = overlay(["only"]), overlay(names_of(10))
    assert alone.around("only") == ([], [])
    assert set(alone.followers("only", others, most=100)) == set(names_of(10))


@pytest.mark.parametrize("rings", [1, 3, 8, 9, 20])
def test_any_number_of_circles_will_do(rings):
    names = names_of(300)
    near = neighbours(overlay(names, rings), names)
    assert max(map(len, near.values())) <= 2 * rings
    farthest(near, names[:1])
