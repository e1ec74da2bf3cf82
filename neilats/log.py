"""Structured logs: one event a line, as key=value or JSON, on standard error.

Pass fields through `extra={...}`: `log.info("listening", extra={"address": "127.0.0.1:8888"})`.
"""

import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, TextIO

__all__ = ["JsonFormatter", "KeyValueFormatter", "get_logger", "setup_logging"]

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def get_logger(name: str) -> logging.Logger:
    """A logger below `neilats`, named by the part of the system that speaks."""
    return logging.getLogger(f"neilats.{name}")


def setup_logging(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send every logger's records of this level and above to the stream (standard error) in one format."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else KeyValueFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("neilats").setLevel(level.upper())


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    yield "ts", datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    yield "level", record.levelname.lower()
    yield "logger", record.name
    yield "msg", record.getMessage()
    yield from ((k, v) for k, v in vars(record).items() if k not in _OWN)
    if record.exc_info and record.exc_info[1] is not None:
        yield "error", f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        entry = dict(_fields(record))
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


class KeyValueFormatter(logging.Formatter):
    """`key=value` pairs; values with spaces or quotes are quoted."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, then the traceback if there is one."""
        line = " ".join(f"{k}={_quoted(v)}" for k, v in _fields(record))
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _quoted(value: Any) -> str:
    text = str(value)
    return json.dumps(text) if not text or any(c in text for c in ' "=\n\t') else text
