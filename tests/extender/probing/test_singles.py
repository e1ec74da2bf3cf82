"""Single paths: named for a time, only so many of a source."""

from extender.probing.singles import Singles


def singles(most=3):
    changed = []
    return Singles(most, changed.append), changed


def test_a_path_is_measured_until_its_time_is_over():
    found, _ = singles()
    found.name("a", "b", now=10, for_s=30)
    assert found.of("a", 39) == {"b": 40}
    assert found.of("a", 40) == {}
    assert found.of("b", 10) == {}


def test_a_source_hears_of_a_new_path_and_not_of_one_that_is_named_again():
    found, changed = singles()
    found.name("a", "b", now=10, for_s=30)
    found.name("a", "b", now=20, for_s=30)
    assert changed == ["a"]
    assert found.of("a", 45) == {"b": 50}


def test_a_path_that_is_over_is_new_when_it_is_named_again():
    found, changed = singles()
    found.name("a", "b", now=10, for_s=30)
    found.name("a", "b", now=60, for_s=30)
    assert changed == ["a", "a"]


def test_the_last_named_come_first_and_the_first_ones_give_way():
    found, _ = singles(most=3)
    for target in ("b", "c", "d", "b", "e"):
        found.name("a", target, now=10, for_s=30)
    assert list(found.of("a", 10)) == ["e", "b", "d"]


def test_what_is_over_and_whose_node_is_gone_is_forgotten():
    found, _ = singles()
    found.name("a", "b", now=10, for_s=30)
    found.name("a", "c", now=20, for_s=30)
    found.name("d", "b", now=10, for_s=30)
    found.tidy(45)
    assert len(found) == 1
    found.forget(["a", "never"])
    assert len(found) == 0
