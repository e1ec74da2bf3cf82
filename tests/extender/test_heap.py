"""What malloc keeps of memory that was freed."""

import platform

import pytest

from extender.garbage import QUIET_S
from extender.heap import PERIOD_S, Heap, glibc_trim


class Rig:
    """A heap whose times pass by themselves, for so many rounds."""

    def __init__(self, rounds: int, last_call: float) -> None:
        self.now, self.rounds, self.asked = 0.0, rounds, list[float]()
        self.heap = Heap(lambda: last_call, self.trim, lambda: self.now, self.sleep)

    def trim(self, keep: int) -> int:
        self.asked.append(self.now)
        return 1

    async def sleep(self, seconds: float) -> None:
        if not self.rounds:
            raise StopAsyncIteration
        self.rounds -= 1
        self.now += seconds


async def test_memory_is_given_back_again_and_again_while_nobody_calls() -> None:
    rig = Rig(3, last_call=0.0)
    with pytest.raises(StopAsyncIteration):
        await rig.heap.run()
    assert rig.asked == [PERIOD_S, 2 * PERIOD_S, 3 * PERIOD_S]


async def test_it_waits_where_somebody_has_just_called() -> None:
    rig = Rig(2, last_call=PERIOD_S - QUIET_S / 2)
    with pytest.raises(StopAsyncIteration):
        await rig.heap.run()
    assert rig.asked == [2 * PERIOD_S]


async def test_where_the_c_library_is_another_nothing_is_done() -> None:
    rig = Rig(1, last_call=0.0)
    heap = Heap(lambda: 0.0, None, lambda: rig.now, rig.sleep)
    with pytest.raises(StopAsyncIteration):
        await heap.run()


def test_this_c_library_is_asked_if_it_is_glibc() -> None:
    trim = glibc_trim()
    assert (trim is not None) == (platform.libc_ver()[0] == "glibc")
    if trim is not None:
        assert trim(0) in (0, 1)
