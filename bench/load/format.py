"""How the load's reports are written and their replies read: the one place that knows the encoding."""

import msgspec

from prober.wire import Report, encode

__all__ = ["HEADERS", "Hints", "encoded", "hints"]

HEADERS = {"Content-Type": "application/json"}


class Hints(msgspec.Struct):
    """What of a reply a prober's pace depends on; its targets are skipped, as this load's are fixed."""

    resync: bool = False
    report_after_ms: float | None = None


_hints = msgspec.json.Decoder(Hints)


def encoded(report: Report) -> bytes:
    """A report's body."""
    return encode(report)


def hints(body: bytes) -> Hints:
    """What a reply asks for; raises msgspec.DecodeError."""
    return _hints.decode(body)
