"""Work beside the event loop."""

import asyncio
import threading
from functools import partial

import pytest

from extender.worker import Worker


@pytest.fixture
def two():
    worker = Worker(2)
    yield worker
    worker.close()


async def test_pieces_of_a_job_run_in_all_threads_at_once(two):
    together = threading.Barrier(2)
    await two.each([partial(two.run, partial(together.wait, 20)) for _ in range(6)])
    assert together.n_waiting == 0


async def test_every_piece_is_done_once(two):
    done = []

    async def piece(number):
        await two.run(partial(done.append, number))

    await two.each(partial(piece, number) for number in range(50))
    assert sorted(done) == list(range(50))


async def test_another_jobs_work_gets_between_the_pieces_of_a_long_one(two):
    gate, order = threading.Event(), []

    async def piece(number):
        await two.run(gate.wait)
        order.append(number)

    long = asyncio.create_task(two.each(partial(piece, number) for number in range(20)))
    await asyncio.sleep(0)
    short = asyncio.create_task(two.run(lambda: order.append("short")))
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(long, short)
    assert order.index("short") <= 5


async def test_what_a_piece_raises_reaches_the_caller(two):
    async def broken():
        await two.run(lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        await two.each([broken])
