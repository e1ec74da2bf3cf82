"""Log lines that machines and people can read."""

import io
import json
import logging
import sys

import pytest

from neilats.log import JsonFormatter, KeyValueFormatter, get_logger, setup_logging


@pytest.fixture
def stream():
    root, ours = logging.getLogger(), logging.getLogger("neilats")
    before = root.handlers[:], root.level, ours.level
    yield io.StringIO()
    root.handlers[:], root.level = before[0], before[1]
    ours.setLevel(before[2])


def test_a_line_holds_the_message_and_its_fields(stream):
    setup_logging("info", "kv", stream)
    get_logger("test").info("it listens", extra={"address": "127.0.0.1:1", "why": 'a "b"', "nothing": ""})
    line = stream.getvalue()
    assert line.startswith("ts=20")
    assert 'level=info logger=neilats.test msg="it listens" address=127.0.0.1:1 why="a \\"b\\"" nothing=""\n' in line


def test_what_is_said_stays_on_one_line(stream):
    setup_logging("info", "kv", stream)
    get_logger("test").info("two\nlines", extra={"field": "a\nb"})
    assert stream.getvalue().count("\n") == 1


def test_json_lines_hold_the_same_and_the_traceback(stream):
    setup_logging("info", "json", stream)
    try:
        raise ValueError("wrong")
    except ValueError:
        get_logger("test").exception("it failed", extra={"number": 1, "thing": stream})
    entry = json.loads(stream.getvalue())
    assert (entry["msg"], entry["number"], entry["error"]) == ("it failed", 1, "ValueError: wrong")
    assert "Traceback" in entry["traceback"]


def test_the_level_is_ours_alone_and_other_libraries_only_warn(stream):
    setup_logging("debug", "kv", stream)
    get_logger("test").debug("ours")
    logging.getLogger("aiohttp").info("theirs")
    logging.getLogger("aiohttp").warning("their trouble")
    assert "ours" in stream.getvalue()
    assert "theirs" not in stream.getvalue()
    assert "their trouble" in stream.getvalue()


@pytest.mark.parametrize("formatter", [JsonFormatter(), KeyValueFormatter()])
def test_an_exception_without_a_value_is_no_trouble(formatter):
    record = logging.LogRecord("n", logging.ERROR, "", 0, "m", (), sys.exc_info())
    assert "m" in formatter.format(record)
