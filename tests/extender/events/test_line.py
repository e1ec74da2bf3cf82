"""Events that wait: warnings before placements."""

from extender.events.line import GIVING_WAY, Line
from extender.pods import Pod
from tests.extender.events.conftest import an_event


def a_placement(i=0):
    return an_event("on node-1", "LatencyPlacement", pod=Pod("shop", f"p{i}", f"u{i}"))


async def test_placements_stand_behind_all_others_and_each_kind_in_its_order():
    line = Line(10)
    told = [a_placement(1), an_event("first"), a_placement(2), an_event("second")]
    for event in told:
        line.put_nowait(event)
    assert line.qsize() == 4
    assert [line.get_nowait() for _ in told] == [told[1], told[3], told[0], told[2]]
    assert line.empty()


async def test_a_full_line_has_room_only_for_what_others_give_way_to():
    line = Line(2)
    line.put_nowait(an_event())
    line.put_nowait(a_placement(1))
    assert not line.has_room(a_placement(2))
    assert line.has_room(an_event("news"))
    line.make_way()
    line.put_nowait(an_event("news"))
    assert not line.has_room(an_event())
    assert [line.get_nowait().text for _ in range(2)] == ["path to gateway breaks 5 ms", "news"]


async def test_of_those_that_give_way_only_so_many_wait_as_are_still_news_when_written():
    line = Line(1000)
    for i in range(GIVING_WAY):
        assert line.has_room(a_placement(i))
        line.put_nowait(a_placement(i))
    assert not line.has_room(a_placement(GIVING_WAY))
    assert line.has_room(an_event("news"))
