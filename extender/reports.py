"""`POST /v1/report`: the probers' door."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import hdrs, web

from extender.access.caller import Caller
from extender.calls import REPORT, Door
from extender.columns import Columns, of_packed, of_report
from extender.errors import (
    BadRequest,
    Busy,
    NotReady,
    Refused,
    Replayed,
    RequestError,
    TooLarge,
    Unauthenticated,
    Unknown,
)
from extender.http import json_response
from extender.incoming import ElsewhereError, Incoming, Requested
from extender.ingest import Applied, Ingest
from extender.load import Load
from extender.metrics import SAMPLES, Metrics
from extender.owners import Sender
from extender.turns import FullError, Turns
from neilats.log import get_logger
from prober.compact import MEDIA_TYPE, decode_packed
from prober.wire import Report, WireError, decode_report, encode

__all__ = ["Reports"]

log = get_logger("extender.reports")

COMPLAIN_S: Final = 60.0
"""Reports that are refused for the load are logged at most so often."""

_OUTCOMES: Final = {
    Unauthenticated: "unauthenticated",
    Refused: "refused",
    Unknown: "unknown_node",
    Replayed: "replayed",
    TooLarge: "too_large",
    NotReady: "not_ready",
    Busy: "busy",
}
_ENCODINGS: Final = {
    (False, False): "json",
    (False, True): "json+gzip",
    (True, False): "compact",
    (True, True): "compact+gzip",
}
"""Names of the forms of a body, by whether it is compact, and whether it is compressed."""

_TAKES: Final[Mapping[str, str]] = {hdrs.ACCEPT: f"{MEDIA_TYPE}, application/json", hdrs.ACCEPT_ENCODING: "gzip"}
"""In a reply: what the next report may be (RFC 9110, 12.5.1 and 12.5.3). A prober that knows no better sends JSON."""


class Reports:
    """Decodes and applies reports, and counts what came of them; `sender` says whose one is, before its body.

    What cannot be taken now is refused before it is decoded: its prober keeps the samples and comes again.
    """

    def __init__(
        self,
        ingest: Ingest,
        metrics: Metrics,
        max_bytes: int,
        sender: Callable[[Caller], Awaitable[Sender]],
        load: Load,
        turns: Turns | None = None,
    ) -> None:
        self._ingest, self._metrics, self.max_bytes, self._sender = ingest, metrics, max_bytes, sender
        self._load, self._turns = load, turns or Turns()
        self._samples = {kind: metrics.samples.labels(kind) for kind in SAMPLES}
        self._taken = metrics.reports.labels("applied")
        self._bytes = {form: metrics.report_bytes.labels(name) for form, name in _ENCODINGS.items()}
        self._complained = float("-inf")

        fields = "".join(f"{name}: {value}\r\n" for name, value in _TAKES.items())
        self.doors = {REPORT: Door(REPORT, self.take, fields.encode())}

    def routes(self) -> list[web.RouteDef]:
        """The one route."""
        return [web.post(REPORT, self._report)]

    async def _report(self, request: web.Request) -> web.Response:
        return json_response(await self.take(Requested(request)), headers=_TAKES)

    async def take(self, report: Incoming) -> bytes:
        """Apply one report; gives the reply, with targets, as JSON. Raises RequestError."""
        try:
            if self._turns.full:
                raise FullError
            sender = await self._sender(report.caller)
            body = await report.body(self.max_bytes)
            self._count_bytes(report, len(body))
            await self._turns.take(len(body))
            return self._applied(report.kind, body, sender)
        except ElsewhereError:
            raise
        except FullError:
            raise self._busy() from None
        except RequestError as e:
            self._metrics.reports.labels(_OUTCOMES.get(type(e), "invalid")).inc()
            raise
        except Exception:
            self._metrics.reports.labels("error").inc()
            raise

    def _applied(self, kind: str, body: bytes, sender: Sender) -> bytes:
        began = time.perf_counter()
        try:
            report, columns = _decoded(kind, body)
            applied = self._ingest.apply(report, sender, columns)
            self._count(applied)
            return encode(applied.reply)
        finally:
            self._load.handled(time.perf_counter() - began)

    def _busy(self) -> Busy:
        """What is said of a report that would have to wait for too many others."""
        error = Busy("too many reports at once; report again later", self._load.refused())
        self._metrics.reports.labels(_OUTCOMES[Busy]).inc()
        if time.monotonic() - self._complained >= COMPLAIN_S:
            self._complained = time.monotonic()
            log.warning("reports refused: too many at once", extra={"retry_after_s": error.retry_after_s})
        return error

    def _count_bytes(self, report: Incoming, read: int) -> None:
        """Count the bytes as they travelled; `read` are those of the body when decompressed."""
        sent = report.length if report.compressed and report.length is not None else read
        self._bytes[report.kind == MEDIA_TYPE, report.compressed].inc(sent)

    def _count(self, applied: Applied) -> None:
        self._taken.inc()
        self._metrics.prober_restarts.inc(applied.restarted)
        for kind, count in (
            ("measured", applied.samples - applied.lost - applied.unmeasured),
            ("lost", applied.lost),
            ("unmeasured", applied.unmeasured),
            ("unknown_target", applied.unknown_target),
        ):
            if count:
                self._samples[kind].inc(count)


def _decoded(kind: str, body: bytes) -> tuple[Report, Columns]:
    """A report and its samples, checked."""
    try:
        if kind == MEDIA_TYPE:
            packed = decode_packed(body)
            return packed.head, of_packed(packed)
        report = decode_report(body)
        return report, of_report(report)
    except WireError as e:
        raise BadRequest(str(e)) from e
