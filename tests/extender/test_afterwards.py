"""What follows an answer."""

import asyncio
import logging

from extender.afterwards import Afterwards


async def test_work_runs_in_its_order_and_after_what_is_going_on(caplog):
    later, order = Afterwards(), []

    async def work(name):
        order.append(name)

    later(work("first"))
    later(work("second"))
    order.append("answer")
    await asyncio.sleep(0)
    assert order == ["answer", "first", "second"]


async def test_what_fails_is_logged_and_holds_nothing_up(caplog):
    later, order = Afterwards(), []

    async def fails():
        raise ValueError("no good")

    async def works():
        order.append("done")

    with caplog.at_level(logging.ERROR):
        later(fails())
        later(works())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert order == ["done"]
    assert "what follows an answer failed" in caplog.text
