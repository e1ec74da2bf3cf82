"""How the load's reports are written and their replies read: as a prober does once it knows what an extender takes."""

import msgspec

from prober.forms import Body, Form, body_of
from prober.wire import Report

__all__ = ["Hints", "encoded", "hints"]

_FORM = Form(compact=True, gzip=True)


class Hints(msgspec.Struct):
    """What of a reply a prober's next report depends on; its targets are skipped, as this load's are fixed."""

    resync: bool = False
    report_after_ms: float | None = None
    targets_version: str = ""


_hints = msgspec.json.Decoder(Hints)


def encoded(report: Report) -> Body:
    """A report's body and headers."""
    return body_of(report, _FORM)


def hints(body: bytes) -> Hints:
    """What a reply asks for; raises msgspec.DecodeError."""
    return _hints.decode(body)
