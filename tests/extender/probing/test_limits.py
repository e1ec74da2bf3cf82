"""The bounds of the lists, as the settings give them."""

from extender.probing import Limits
from neilats.settings import ExtenderSettings


def test_the_bounds_are_those_of_the_settings():
    assert Limits.of(ExtenderSettings()) == Limits()
    given = ExtenderSettings(
        mesh_nodes=3, probe_budget=40, probe_neighbours=10, hot_for_s=60, interval_s=2, window_slots=99
    )
    assert Limits.of(given) == Limits(
        mesh_nodes=3, budget=40, neighbours=10, hot_for_s=60, fresh_for_s=8, window_slots=99
    )


def test_neighbours_must_leave_most_of_the_budget_to_what_pods_ask_for():
    (mistake,) = ExtenderSettings(probe_budget=30).mistakes()
    assert "probe_neighbours=16" in mistake
    assert not ExtenderSettings(probe_budget=32).mistakes()


def test_a_quarter_of_what_neighbours_leave_is_for_single_paths():
    assert (Limits().rings, Limits().hot_places) == (8, 36)
    assert Limits(budget=8, neighbours=4).hot_places == 3
