"""Turns of the event loop: one at a time, in order, and none lost."""

import asyncio

import pytest

from extender.precedence import LONGEST_S, Precedence
from extender.turns import PATIENT, FullError, Turns


async def turns_of_the_loop(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def worker(turns: Turns, done: list[str], name: str, size: int = 0) -> None:
    await turns.take(size)
    done.append(name)


async def test_whoever_comes_alone_does_not_wait() -> None:
    turns, done = Turns(most=0), []
    for name in "ab":
        await worker(turns, done, name)  # raises if it would have to wait
        await turns_of_the_loop(1)
    assert done == ["a", "b"]


async def test_others_come_in_between_the_reports_that_come_at_once() -> None:
    turns, done = Turns(), []

    async def other() -> None:
        while len(done) < 12:
            done.append("-")
            await asyncio.sleep(0)

    await asyncio.gather(*(worker(turns, done, name) for name in "abc"), other())
    assert [name for name in done if name != "-"] == ["a", "b", "c"]
    assert all("-" in done[done.index(x) : done.index(y)] for x, y in ("ab", "bc"))


async def test_a_newcomer_does_not_overtake() -> None:
    turns, done = Turns(), []
    tasks = [asyncio.create_task(worker(turns, done, name)) for name in "abc"]
    while len(done) < 2:
        await asyncio.sleep(0)
        if len(tasks) == 3 and done:
            tasks.append(asyncio.create_task(worker(turns, done, "new")))
    await asyncio.gather(*tasks)
    assert done == ["a", "b", "c", "new"]


@pytest.mark.parametrize("limits", [{"most": 2}, {"most_bytes": 20}], ids=["so many", "so many bytes"])
async def test_more_than_may_wait_are_turned_away(limits: dict[str, int]) -> None:
    turns, done = Turns(**limits), []
    found = await asyncio.gather(*(worker(turns, done, name, 10) for name in "abcd"), return_exceptions=True)
    assert [type(e) for e in found if e] == [FullError]
    assert done == ["a", "b", "c"]
    assert not turns.full
    await worker(turns, done, "later", 10)


@pytest.mark.parametrize("after", [1, 2, 3], ids=["while it waits", "as it is its turn", "then or later"])
async def test_one_who_leaves_holds_up_nobody(after: int) -> None:
    turns, done = Turns(), []
    tasks = [asyncio.create_task(worker(turns, done, name)) for name in "abc"]
    await turns_of_the_loop(after)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [name for name in done if name != "b"] == ["a", "c"]
    await worker(turns, done, "later")
    assert done[-1] == "later"
    assert turns._bytes == 0


async def test_while_a_call_is_answered_nobody_takes_a_turn_and_afterwards_all_in_order() -> None:
    first = Precedence(lambda: 0.0)
    turns, done = Turns(first), []
    with first:
        tasks = [asyncio.create_task(worker(turns, done, name)) for name in "abc"]
        await turns_of_the_loop(5)
        assert done == []
    tasks.append(asyncio.create_task(worker(turns, done, "new")))
    await asyncio.gather(*tasks)
    assert done == ["a", "b", "c", "new"]


async def test_a_call_that_comes_between_two_turns_goes_first() -> None:
    first = Precedence(lambda: 0.0)
    turns, done = Turns(first), []
    tasks = [asyncio.create_task(worker(turns, done, name)) for name in "abc"]
    while not done:
        await asyncio.sleep(0)
    with first:
        await turns_of_the_loop(5)
        assert len(done) <= 2  # one of them had its turn already
    await asyncio.gather(*tasks)
    assert done == ["a", "b", "c"]


async def test_a_call_that_takes_long_holds_turns_up_only_for_a_moment() -> None:
    first, done = Precedence(), []
    turns = Turns(first)
    with first:
        await asyncio.wait_for(asyncio.gather(*(worker(turns, done, name) for name in "abc")), 100 * LONGEST_S)
    assert done == ["a", "b", "c"]


async def test_turns_for_which_many_wait_are_given_although_calls_are_answered() -> None:
    first = Precedence(lambda: 0.0)  # for which no time passes
    turns, done = Turns(first), []
    tasks = [asyncio.create_task(worker(turns, done, str(i))) for i in range(PATIENT + 10)]
    while not done:
        await asyncio.sleep(0)
    with first:
        while len(done) < 10:
            await asyncio.sleep(0)
        await turns_of_the_loop(20)
        assert len(done) < PATIENT
    await asyncio.gather(*tasks)
    assert done == [str(i) for i in range(PATIENT + 10)]


async def test_one_who_leaves_while_a_call_goes_first_holds_up_nobody() -> None:
    first = Precedence(lambda: 0.0)
    turns, done = Turns(first), []
    with first:
        tasks = [asyncio.create_task(worker(turns, done, name)) for name in "abc"]
        await turns_of_the_loop(2)
        tasks[0].cancel()
        await turns_of_the_loop(2)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert done == ["b", "c"]
