"""What the log says of requests that are no HTTP."""

import asyncio
import logging

import pytest

from extender.app import new_metrics
from extender.apps import _app
from extender.badrequests import BadRequests
from extender.listeners import Listener
from tests.extender.conftest import Clock

TOKEN = b"Authorization: Bearer SECRET"
BAD = [
    b"GET / HTTP/1.1\r\nHost: x\r\n" + TOKEN + b"\x01\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + TOKEN + b"\r\nno header\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + TOKEN + b"a" * 80_000 + b"\r\n\r\n",
    b"SECRET\x00 / HTTP/1.1\r\n\r\n",
]


@pytest.fixture
def log(caplog):
    """A logger with the filter on a clock moved by hand."""
    logger = logging.Logger("test")  # not in the tree of loggers, so that its filter stays here
    logger.clock = Clock()
    logger.addFilter(BadRequests(logger.clock))
    logger.addHandler(caplog.handler)
    return logger


async def sent(port, raw):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


async def test_bad_requests_are_counted_in_one_line_a_minute_without_what_they_hold(log, caplog):
    listener = Listener("api", _app([], new_metrics()), "127.0.0.1:0", new_metrics(), None, log)
    port = (await listener.open()).rpartition(":")[2]
    for raw in BAD * 3:
        assert (await sent(port, raw)).startswith(b"HTTP/1.0 400")
    log.clock.forward(60)
    await sent(port, BAD[0])
    await listener.close()
    assert [(r.levelname, r.count) for r in caplog.records] == [("WARNING", 1), ("WARNING", 3 * len(BAD))]
    assert not any("SECRET" in repr(vars(r)) or r.exc_info for r in caplog.records)


def test_other_faults_are_logged_as_they_are(log, caplog):
    for _ in range(2):
        try:
            raise ValueError("odd")
        except ValueError:
            log.exception("Unhandled exception")
    log.info("something else")
    assert [r.getMessage() for r in caplog.records] == ["Unhandled exception"] * 2 + ["something else"]
    assert "odd" in caplog.text
