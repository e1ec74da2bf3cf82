"""Remembered answers."""

from extender.access.memory import Answer, Memory


def test_an_answer_is_gone_after_its_spare_time(clock):
    memory = Memory(10, clock)
    memory.put(b"a", Answer("x", True, clock() + 1, clock() + 5))
    clock.forward(4.9)
    assert memory.get(b"a").value == "x"
    clock.forward(0.1)
    assert memory.get(b"a") is None


def test_only_so_many_are_kept_and_the_oldest_goes_first(clock):
    memory = Memory(3, clock)
    for key in (b"a", b"b", b"c", b"a", b"d"):
        memory.put(key, Answer("x", True, clock() + 1, clock() + 5))
    assert [k for k in (b"a", b"b", b"c", b"d") if memory.get(k)] == [b"a", b"c", b"d"]


def test_what_is_over_is_dropped_when_something_comes(clock):
    memory = Memory(100, clock)
    for i in range(50):
        memory.put(bytes([i]), Answer("x", True, clock() + 1, clock() + 5))
    clock.forward(6)
    memory.put(b"new", Answer("x", True, clock() + 1, clock() + 5))
    assert len(memory) == 1


def test_an_answer_that_is_over_already_is_not_kept(clock):
    memory = Memory(100, clock)
    memory.put(b"a", Answer("x", True, clock() - 1, clock() - 1))
    assert len(memory) == 0
