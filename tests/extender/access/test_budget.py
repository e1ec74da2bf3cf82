"""Turns to ask the API server."""

import pytest

from extender.access.budget import Budget, Exhausted


class Sleeper:
    def __init__(self):
        self.slept = []

    async def __call__(self, seconds):
        self.slept.append(round(seconds, 6))


async def test_a_seconds_worth_goes_at_once_and_the_rest_in_step(clock):
    sleep = Sleeper()
    budget = Budget(10, clock, sleep)
    clock.forward(60)
    for _ in range(14):
        await budget.take()
    assert sleep.slept == [0.1, 0.2, 0.3]


async def test_who_would_wait_longer_than_two_seconds_is_sent_away_at_once(clock):
    sleep = Sleeper()
    budget = Budget(8, clock, sleep)
    for _ in range(17):
        await budget.take()
    with pytest.raises(Exhausted):
        await budget.take()
    assert max(sleep.slept) == 2.0


async def test_who_was_sent_away_took_no_turn(clock):
    budget = Budget(1, clock, Sleeper())
    for _ in range(3):
        await budget.take()
    for _ in range(100):
        with pytest.raises(Exhausted):
            await budget.take()
    clock.forward(1)
    await budget.take()


async def test_less_than_one_turn_a_second_is_a_turn_now_and_then(clock):
    sleep = Sleeper()
    budget = Budget(0.1, clock, sleep)
    await budget.take()
    with pytest.raises(Exhausted):
        await budget.take()
    clock.forward(9)
    await budget.take()
    assert sleep.slept == [1.0]
