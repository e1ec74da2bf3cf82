"""What is remembered of answers, whichever question they answer."""

import asyncio
from collections import Counter

import pytest

from extender.access.budget import Budget
from extender.access.memory import Answer
from extender.access.reviews import Reviews
from extender.cluster.api import ApiError
from extender.errors import NotReady

GOOD, BAD = b"good", b"bad"


class Asked:
    """What the next answer is, or the error in its place; `gate` makes it wait."""

    def __init__(self, clock):
        self.clock, self.answer, self.gate, self.count = clock, None, None, 0

    async def __call__(self):
        self.count += 1
        if self.gate:
            await self.gate.wait()
        if self.answer is None:
            raise ApiError("silent", "nothing came")
        return self.answer

    def says(self, good, fresh_s=10.0, spare_s=100.0):
        now = self.clock()
        self.answer = Answer(GOOD if good else BAD, good, now + fresh_s, now + spare_s)


@pytest.fixture
def ask(clock):
    return Asked(clock)


@pytest.fixture
def reviews(clock):
    return Reviews("review", ("yes", "no"), Budget(1000, clock), clock, Counter().update, (10, 10))


async def test_a_bad_answer_takes_the_place_of_a_good_one_for_good(reviews, ask, clock):
    ask.says(good=True)
    assert await reviews.of(b"k", "eve", ask) == GOOD
    clock.forward(10)
    ask.says(good=False, fresh_s=5, spare_s=5)
    for _ in range(3):
        assert await reviews.of(b"k", "eve", ask) == BAD
    assert ask.count == 2
    clock.forward(5)
    ask.answer = None
    with pytest.raises(NotReady):
        await reviews.of(b"k", "eve", ask)


async def test_a_good_answer_takes_the_place_of_a_bad_one(reviews, ask, clock):
    ask.says(good=False, spare_s=10)
    assert await reviews.of(b"k", "eve", ask) == BAD
    clock.forward(10)
    ask.says(good=True)
    for _ in range(3):
        assert await reviews.of(b"k", "eve", ask) == GOOD
    assert ask.count == 2


async def test_only_a_good_answer_is_used_beyond_its_time(reviews, ask, clock):
    ask.says(good=False)
    assert await reviews.of(b"k", "eve", ask) == BAD
    clock.forward(10)
    ask.answer = None
    with pytest.raises(NotReady):
        await reviews.of(b"k", "eve", ask)


async def test_an_answer_whose_time_ends_while_a_new_one_is_asked_for_is_not_used(reviews, ask, clock):
    ask.says(good=True)
    assert await reviews.of(b"k", "eve", ask) == GOOD
    clock.forward(99)
    ask.answer, ask.gate = None, asyncio.Event()
    asked = asyncio.create_task(reviews.of(b"k", "eve", ask))
    await asyncio.sleep(0.01)
    clock.forward(1)
    ask.gate.set()
    with pytest.raises(NotReady):
        await asked
