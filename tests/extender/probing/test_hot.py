"""Which hot peers have a place: all while they are few, then the last asked, and the others by turns."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.probing.hot import HotPeers

TURN_S = 60.0
EVERY = type("Everybody", (), {"__contains__": lambda self, name: True})()


class Hot:
    """Hot peers with 12 places, of which 4 are for turns, and a clock; 6 turns reach back as far as a window."""

    def __init__(self, hot_for_s=1200.0):
        self.peers = HotPeers(12, hot_for_s=hot_for_s, turn_s=TURN_S, turns=6)
        self.evicted = Counter()
        self.peers.on_evicted = lambda to: self.evicted.update((to,))
        self.now = 1000.0

    def ask(self, *names):
        for name in names:
            self.peers.asked(name, self.now)
        return self.tick()

    def tick(self, after_s=0.0, known=EVERY):
        self.now += after_s
        return self.peers.tick(self.now, self.now + 20.0, known)  # turns begin at 1000

    @property
    def placed(self):
        return {*self.peers.fixed, *self.peers.turning}


def names(count, first=0):
    return [f"p{i:03}" for i in range(first, first + count)]


def test_while_they_are_few_all_have_a_place_at_once_and_none_is_turned_out():
    hot = Hot()
    assert hot.ask(*names(12))
    assert hot.placed == set(names(12))
    assert not hot.ask(*names(12))
    assert hot.peers.turning == ()
    assert not hot.evicted


def test_a_peer_cools_down_when_nobody_asks_for_it():
    hot = Hot(hot_for_s=300)
    hot.ask("a", "b")
    hot.tick(200)
    hot.ask("b")
    assert hot.tick(160)
    assert hot.placed == {"b"}
    assert len(hot.peers) == 1


def test_a_node_that_is_gone_loses_its_place():
    hot = Hot()
    hot.ask("a", "b")
    hot.peers.again()
    assert hot.tick(known={"b"})
    assert hot.placed == {"b"}


def test_the_last_asked_have_fixed_places_when_there_are_more_than_places():
    hot = Hot()
    hot.ask(*names(20))
    assert set(hot.peers.fixed) == set(names(8, first=12))
    assert set(hot.peers.turning) <= set(names(12))
    assert len(hot.peers.turning) == 4


def test_a_fixed_place_is_kept_for_a_turn_and_then_goes_to_the_last_asked():
    hot = Hot()
    hot.ask(*names(20))
    hot.tick(10)
    waiting = sorted(set(names(20)) - hot.placed)[0]
    hot.ask(waiting)
    assert waiting not in hot.peers.fixed
    hot.tick(TURN_S)
    assert hot.peers.fixed[0] == waiting
    assert hot.evicted["rotation"] >= 1


def test_who_has_a_place_is_looked_at_once_a_second_at_most_while_known_peers_are_asked_for():
    hot = Hot()
    hot.ask(*names(20))
    hot.tick(TURN_S + 1)
    waiting = sorted(set(names(20)) - hot.placed)
    hot.tick(0.1)
    hot.ask(waiting[0])
    assert waiting[0] not in hot.placed
    hot.tick(1.0)
    assert waiting[0] in hot.peers.fixed


def test_a_turn_lasts_its_time_even_if_peers_come_meanwhile():
    hot = Hot()
    hot.ask(*names(20))
    before = hot.peers.turning
    for i in range(5):
        hot.tick(5)
        hot.ask(f"new{i}")
        assert set(before) <= hot.placed


@given(st.integers(13, 32))
def test_everyone_gets_a_turn_within_the_time_that_a_window_reaches_back(count):
    hot = Hot(hot_for_s=1e9)
    hot.ask(*names(count))
    last_seen = dict.fromkeys(names(count), hot.now)
    for _ in range(40):
        hot.tick(TURN_S / 2)
        assert len(hot.placed) == 12
        for name in hot.placed:
            last_seen[name] = hot.now
        assert hot.now - min(last_seen.values()) <= 6 * TURN_S


def test_beyond_what_turns_can_serve_the_longest_unasked_is_forgotten():
    hot = Hot()
    hot.ask(*names(40))
    assert len(hot.peers) == 8 + 4 * 6
    assert hot.evicted["forgotten"] == 8
    assert "p000" not in hot.peers
    assert "p039" in hot.peers


def test_a_peer_that_has_a_place_needs_no_tick():
    hot = Hot()
    assert hot.peers.asked("a", hot.now)
    hot.tick()
    assert not hot.peers.asked("a", hot.now)
    assert hot.peers.since("a") == hot.now
    assert hot.peers.since("b") == float("-inf")


@given(st.lists(st.tuples(st.integers(0, 60), st.floats(0, 100)), max_size=60))
def test_whatever_is_asked_the_places_are_never_more_than_there_are(asked):
    hot = Hot()
    for peer, after_s in asked:
        hot.tick(after_s)
        hot.ask(f"p{peer}")
        assert len(hot.peers.fixed) + len(hot.peers.turning) == len(hot.placed) <= 12
        assert all(name in hot.peers for name in hot.placed)
        assert len(hot.peers) <= 32


def test_replicas_that_are_asked_the_same_turn_together():
    one, other = Hot(), Hot()
    other.now += 7  # it began later, and its clock counts from elsewhere; the time of day is the same
    other.peers.tick(other.now, one.now + 20, EVERY)
    for hot in (one, other):
        for name in names(30):
            hot.peers.asked(name, hot.now)
    for _ in range(30):
        one.now, other.now = one.now + 11, other.now + 11
        for hot in (one, other):
            hot.peers.tick(hot.now, one.now + 20, EVERY)
        assert one.placed == other.placed


@pytest.mark.parametrize("places", [1, 2, 3])
def test_even_a_single_place_is_shared(places):
    peers = HotPeers(places, hot_for_s=1e9, turn_s=TURN_S, turns=4)
    for name in names(4):
        peers.asked(name, 0.0)
    seen = set()
    for i in range(1, 10):
        peers.tick(i * TURN_S, i * TURN_S, EVERY)
        placed = {*peers.fixed, *peers.turning}
        assert len(placed) <= places
        seen |= placed
    assert len(seen) == len(peers)
