"""Calls that go first, and what waits for them."""

from extender.precedence import LONGEST_S, Precedence


class Rig:
    """Precedence by a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.first = Precedence(lambda: self.now)


def test_nobody_waits_where_there_is_no_call() -> None:
    rig = Rig()
    assert rig.first.left_s == 0
    with rig.first:
        pass
    assert rig.first.left_s == 0
    assert rig.first.latest == 0.0


def test_others_wait_while_a_call_is_answered_but_not_for_long() -> None:
    rig = Rig()
    with rig.first:
        assert rig.first.left_s == LONGEST_S
        rig.now += LONGEST_S / 4
        assert 0 < rig.first.left_s < LONGEST_S
        rig.now += LONGEST_S
        assert rig.first.left_s == 0


def test_calls_that_overlap_do_not_make_others_wait_longer() -> None:
    rig = Rig()
    with rig.first:
        rig.now += LONGEST_S
        with rig.first:
            assert rig.first.left_s == 0
    with rig.first:
        assert rig.first.left_s == LONGEST_S


def test_who_waits_hears_once_of_the_end_of_the_last_call() -> None:
    rig, heard = Rig(), []
    with rig.first:
        rig.first.then(lambda: heard.append("end"))
        with rig.first:
            pass
        assert heard == []
    assert heard == ["end"]
    with rig.first:
        pass
    assert heard == ["end"]


def test_a_call_that_fails_has_ended_as_well() -> None:
    rig, heard = Rig(), []
    try:
        with rig.first:
            rig.first.then(lambda: heard.append("end"))
            raise ValueError
    except ValueError:
        pass
    assert heard == ["end"]
    assert rig.first.left_s == 0
