import pytest

from prober.targets import SILENT_S, Goal, TargetTable
from prober.wire import Target


def _table(max_targets: int = 100) -> TargetTable:
    return TargetTable("me", max_targets)


def test_the_union_of_all_replicas_is_probed() -> None:
    table = _table()
    table.update("r1", [Target("a", "10.0.0.1"), Target("b", "10.0.0.2")], 10, 0.0)
    table.update("r2", [Target("b", "10.0.0.2"), Target("c", "fd00::1", udp_port=99)], 10, 1.0)
    assert table.goals == {"a": Goal("10.0.0.1", 0), "b": Goal("10.0.0.2", 0), "c": Goal("fd00::1", 99)}


def test_the_same_list_again_is_no_change() -> None:
    table = _table()
    assert table.update("r1", [Target("a", "10.0.0.1")], 10, 0.0)
    assert not table.update("r1", [Target("a", "10.0.0.1")], 10, 5.0)
    assert table.update("r1", [Target("a", "10.0.0.9")], 10, 10.0)
    assert table.goals["a"].address == "10.0.0.9"


def test_the_later_reply_wins_where_replicas_disagree() -> None:
    table = _table()
    table.update("r1", [Target("a", "10.0.0.1")], 10, 0.0)
    table.update("r2", [Target("a", "10.0.0.2")], 10, 1.0)
    assert table.goals["a"].address == "10.0.0.2"
    table.update("r1", [Target("a", "10.0.0.1"), Target("b", "10.0.0.3")], 10, 2.0)
    assert table.goals["a"].address == "10.0.0.1"


def test_a_replica_that_fell_silent_no_longer_counts_while_another_replies() -> None:
    table = _table()
    table.update("r1", [Target("a", "10.0.0.1")], 1, 0.0)
    table.update("r2", [Target("b", "10.0.0.2")], 10, 0.0)
    table.update("r2", [Target("b", "10.0.0.2")], 10, SILENT_S)
    assert set(table.goals) == {"a", "b"}
    assert table.update("r2", [Target("b", "10.0.0.2")], 10, SILENT_S + 1)
    assert set(table.goals) == {"b"}
    assert table.interval_s() == 10


def test_without_any_reply_the_last_list_stays() -> None:
    table = _table()
    table.update("r1", [Target("a", "10.0.0.1")], 10, 0.0)
    assert set(table.goals) == {"a"}  # nothing ages by itself


def test_the_own_node_is_never_a_target() -> None:
    table = _table()
    table.update("r1", [Target("me", "10.0.0.1"), Target("a", "10.0.0.2")], 10, 0.0)
    assert set(table.goals) == {"a"}


@pytest.mark.parametrize(
    "address", ["", "node-1", "10.0.0", "10.0.0.1:80", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "\0"]
)
def test_a_bad_address_is_counted_and_ignored(address: str) -> None:
    table = _table()
    table.update("r1", [Target("bad", address), Target("a", "10.0.0.2")], 10, 0.0)
    assert set(table.goals) == {"a"}
    assert table.bad == 1


def test_addresses_are_brought_into_their_usual_form() -> None:
    table = _table()
    table.update("r1", [Target("a", "FD00:0:0::1"), Target("b", "::ffff:10.0.0.1")], 10, 0.0)
    assert [g.address for g in table.goals.values()] == ["fd00::1", "10.0.0.1"]


def test_targets_above_the_limit_are_counted_and_left_out() -> None:
    table = _table(max_targets=2)
    table.update("r1", [Target(f"n{i}", "10.0.0.1") for i in range(5)], 10, 0.0)
    assert set(table.goals) == {"n0", "n1"}
    assert table.beyond == 3


def test_a_burst_is_wanted_by_the_reply_that_says_so() -> None:
    table = _table()
    targets = [Target("a", "10.0.0.1", burst=True), Target("b", "10.0.0.2"), Target("bad", "x", burst=True)]
    table.update("r1", targets, 10, 0.0)
    assert table.bursts(targets) == ["a"]


def test_the_smallest_interval_is_taken() -> None:
    table = _table()
    assert table.interval_s() is None
    table.update("r1", [], 10, 0.0)
    table.update("r2", [], 5, 0.0)
    assert table.interval_s() == 5


def test_a_list_that_was_left_out_stays_as_it_is() -> None:
    table = _table()
    assert table.version("r1") == ""
    table.update("r1", [Target("a", "10.0.0.1", burst=True)], 10, 0.0, "v1")
    assert not table.update("r1", None, 5, SILENT_S)
    assert (set(table.goals), table.version("r1"), table.interval_s()) == ({"a"}, "v1", 5)
    assert table.bursts(table.list_of("r1")) == ["a"]
    table.update("r2", [], 10, SILENT_S + 1, "w1")  # r1 has replied since: it is not silent
    assert set(table.goals) == {"a"}


def test_a_list_that_was_dropped_is_not_named_to_its_replica_any_more() -> None:
    table = _table()
    table.update("r1", [Target("a", "10.0.0.1")], 10, 0.0, "v1")
    table.update("r2", [Target("b", "10.0.0.2")], 10, SILENT_S + 1, "w1")
    assert (table.version("r1"), table.version("r2")) == ("", "w1")
    table.update("r1", None, 10, SILENT_S + 2)  # the reply to a report that still named it
    assert table.version("r1") == ""
    assert set(table.goals) == {"b"}


def test_a_list_without_a_version_is_not_named() -> None:
    table = _table()
    table.update("r1", [Target("a", "10.0.0.1")], 10, 0.0, "v1")
    table.update("r1", [Target("a", "10.0.0.1")], 10, 1.0)  # an older extender took over
    assert table.version("r1") == ""
