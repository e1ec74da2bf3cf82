"""When the samples of a list are looked at."""

import numpy as np
import pytest

from extender.probing.census import LOOK_S, WAIT_S, Census
from extender.probing.plan import Kind
from extender.windows import WindowStore

FRESH_S, SILENT_S = 40.0, 60.0


class Place:
    """A census of one list, of the paths from `a` to `b` and `c`, and its store."""

    def __init__(self):
        self.store = WindowStore(64, 10.0)
        self.census = Census(self.store, FRESH_S, SILENT_S)
        self.census.listed("a", [Kind.NEIGHBOUR, Kind.NEIGHBOUR], 0.0)

    def report(self, now):
        self.store.write(self.store.ensure("a", ["b"]), np.array([now]), np.array([1.5]))
        return list(self.census.look("a", ["b", "c"], now))


@pytest.fixture
def place():
    return Place()


def test_a_look_has_nothing_written_and_waits_until_something_is(place):
    assert place.report(LOOK_S) == []
    flushes = place.store.flushes
    assert place.report(LOOK_S + 0.1) == []
    assert place.store.flushes == flushes
    place.store.flush()
    assert place.report(LOOK_S + 0.2) == ["a"]
    assert place.report(LOOK_S + 0.3) == []


def test_a_look_waits_no_longer_than_a_moment(place):
    place.report(LOOK_S)
    assert place.report(LOOK_S + WAIT_S) == ["a"]


def test_a_look_sees_the_report_at_which_it_was_due(place):
    place.report(LOOK_S)
    assert place.census.by_state(LOOK_S) == {"fresh": 1, "stale": 0, "never": 1}


def test_who_asks_for_the_counts_is_not_the_one_who_hears_what_was_looked_at(place):
    place.report(LOOK_S)
    place.census.by_state(LOOK_S)
    assert place.report(LOOK_S + 0.1) == ["a"]


def test_between_two_looks_passes_a_minute(place):
    place.report(LOOK_S)
    place.store.flush()
    assert place.report(LOOK_S + 1.0) == ["a"]
    place.store.flush()
    assert place.report(2 * LOOK_S - 0.1) == []
    place.store.flush()
    assert place.report(2 * LOOK_S) == []
    place.store.flush()
    assert place.report(2 * LOOK_S + 0.1) == ["a"]


def test_a_source_that_is_gone_before_its_look_is_left_out(place):
    place.report(LOOK_S)
    place.census.forget("a")
    place.store.flush()
    assert place.report(LOOK_S + 0.1) == []
    assert place.census.by_state(LOOK_S) == {"fresh": 0, "stale": 0, "never": 0}
