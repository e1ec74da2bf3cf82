"""Waits: how long they last, and which of them are asked for."""

from extender.grace import FORGET_S, Grace

PATH = ("path", "peer", "a")


def test_a_wait_begins_with_the_first_question_and_ends_after_its_grace():
    grace = Grace(20.0)
    assert [grace.waiting(PATH, now) for now in (100.0, 119.9, 120.0)] == [True, True, False]


def test_a_wait_lasts_longer_while_probers_are_asked_to_pause():
    pause_s = 10.0
    grace = Grace(20.0, lambda: 2 * pause_s)
    assert [grace.waiting(PATH, now) for now in (100.0, 139.9, 140.0)] == [True, True, False]
    assert not Grace(0.0, lambda: 2 * pause_s).waiting(PATH, 100.0)


def test_waits_are_found_by_what_their_keys_begin_with_until_they_are_over_or_forgotten():
    grace = Grace(20.0)
    for key in (PATH, ("path", "peer", "b"), ("path", "other", "c"), ("pod", "u")):
        grace.waiting(key, 100.0)
    assert sorted(grace.waited_for("path", "peer")) == ["a", "b"]
    grace.over([PATH, ("path", "never", "asked")])
    assert grace.waited_for("path", "peer") == ["b"]
    grace.waiting(("pod", "u"), 100.0 + FORGET_S)
    grace.tidy(101.0 + FORGET_S)
    assert grace.waited_for("path", "peer") == []
    assert grace.waited_for("pod") == ["u"]
