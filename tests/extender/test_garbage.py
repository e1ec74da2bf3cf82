"""When the garbage collector looks: often at little, and at everything in quiet moments."""

import asyncio
import gc
import weakref

import pytest

from extender.garbage import DUE_S, OVERDUE_S, QUIET_S, Garbage


class Rig:
    """Looks are counted, and the clock is moved by hand."""

    def __init__(self) -> None:
        self.now, self.called = 0.0, float("-inf")
        self.looks: list[int] = []
        self.garbage = Garbage(lambda: self.called, lambda: self.now, collect=self.looks.append)

    def look(self, now: float) -> int:
        self.now = now
        self.garbage.look()
        return self.looks[-1]


def test_it_looks_at_the_young_objects_until_all_are_due() -> None:
    rig = Rig()
    assert rig.look(0.1) == 1
    assert rig.look(DUE_S - 0.1) == 1
    assert rig.look(DUE_S) == 2
    assert rig.look(DUE_S + 0.1) == 1
    assert rig.look(2 * DUE_S) == 2


def test_while_calls_come_it_waits_with_all_objects_but_not_for_ever() -> None:
    rig = Rig()
    rig.called = DUE_S - QUIET_S / 2
    assert rig.look(DUE_S) == 1
    assert rig.look(DUE_S + QUIET_S) == 2
    rig.called = DUE_S + OVERDUE_S
    assert rig.look(DUE_S + OVERDUE_S) == 1
    rig.called = DUE_S + QUIET_S + OVERDUE_S
    assert rig.look(DUE_S + QUIET_S + OVERDUE_S) == 2


@pytest.mark.parametrize("enabled", [True, False])
async def test_python_itself_does_not_look_while_it_runs_and_afterwards_as_before(enabled: bool) -> None:
    seen = []

    async def sleep(seconds: float) -> None:
        seen.append(gc.isenabled())
        await asyncio.sleep(0)

    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        task = asyncio.create_task(Garbage(lambda: 0.0, sleep=sleep, collect=lambda generation: None).run())
        while len(seen) < 3:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not any(seen)
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if before else gc.disable)()


async def test_a_cycle_is_found_while_it_runs() -> None:
    class Node:
        def __init__(self) -> None:
            self.itself = self

    node = Node()
    gone = weakref.ref(node)
    garbage = Garbage(lambda: 0.0)
    del node
    garbage.look()
    assert gone() is None
