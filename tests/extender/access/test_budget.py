"""Turns to ask the API server."""

import asyncio

import pytest

from extender.access.budget import Budget, Exhausted


class Sleeper:
    def __init__(self):
        self.slept = []

    async def __call__(self, seconds):
        self.slept.append(round(seconds, 6))


async def test_half_a_seconds_worth_goes_at_once_and_the_rest_in_step(clock):
    sleep = Sleeper()
    budget = Budget(10, clock, sleep)
    clock.forward(60)
    for _ in range(9):
        await budget.take("eve")
    assert sleep.slept == [0.1, 0.2, 0.3]


async def test_in_the_first_second_after_a_quiet_time_there_are_half_as_many_again_and_later_no_more(clock):
    sleep = Sleeper()
    budget = Budget(50, clock, sleep)
    clock.forward(60)
    for i in range(126):
        await budget.take(f"caller-{i}")
    turns = [0.0] * (126 - len(sleep.slept)) + sleep.slept
    assert sum(turn <= 1 for turn in turns) == 76
    assert sum(1 < turn <= 2 for turn in turns) == 50


async def test_who_would_wait_longer_than_two_seconds_is_sent_away_at_once(clock):
    sleep = Sleeper()
    budget = Budget(8, clock, sleep)
    for i in range(17):
        await budget.take(f"caller-{i}")
    with pytest.raises(Exhausted):
        await budget.take("eve")
    assert max(sleep.slept) == 2.0


async def test_who_was_sent_away_took_no_turn(clock):
    budget = Budget(1, clock, Sleeper())
    for _ in range(3):
        await budget.take("eve")
    for _ in range(100):
        with pytest.raises(Exhausted):
            await budget.take("eve")
    clock.forward(1)
    await budget.take("eve")


async def test_less_than_one_turn_a_second_is_a_turn_now_and_then(clock):
    sleep = Sleeper()
    budget = Budget(0.1, clock, sleep)
    await budget.take("eve")
    with pytest.raises(Exhausted):
        await budget.take("eve")
    clock.forward(9)
    await budget.take("eve")
    assert sleep.slept == [1.0]


async def test_of_one_caller_only_ten_wait_at_once_and_others_find_room():
    gate = asyncio.Event()

    async def sleep(seconds):
        await gate.wait()

    budget = Budget(100, lambda: 0.0, sleep)
    first = [asyncio.create_task(budget.take("eve")) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sum(isinstance(t.exception(), Exhausted) for t in first if t.done() and t.exception()) == 39
    second = asyncio.create_task(budget.take("bob"))
    gate.set()
    await second
    await asyncio.gather(*first, return_exceptions=True)
    await budget.take("eve")
