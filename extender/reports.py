"""`POST /v1/report`: the probers' door."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import hdrs, web

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
from extender.http import bounded_body, error_response, json_response
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
_TAKES: Final[Mapping[str, str]] = {hdrs.ACCEPT: f"{MEDIA_TYPE}, application/json", hdrs.ACCEPT_ENCODING: "gzip"}
"""In a reply: what the next report may be (RFC 9110, 12.5.1 and 12.5.3). A prober that knows no better sends JSON."""


class Reports:
    """Decodes and applies reports, and counts what came of them; `sender` says whose a request is, before its body.

    What cannot be taken now is refused before it is decoded: its prober keeps the samples and comes again.
    """

    def __init__(
        self,
        ingest: Ingest,
        metrics: Metrics,
        max_bytes: int,
        sender: Callable[[web.Request], Awaitable[Sender]],
        load: Load,
        turns: Turns | None = None,
    ) -> None:
        self._ingest, self._metrics, self._max_bytes, self._sender = ingest, metrics, max_bytes, sender
        self._load, self._turns = load, turns or Turns()
        self._samples = {kind: metrics.samples.labels(kind) for kind in SAMPLES}
        self._complained = float("-inf")

    def routes(self) -> list[web.RouteDef]:
        """The one route."""
        return [web.post("/v1/report", self.report)]

    async def report(self, request: web.Request) -> web.Response:
        """Apply one report and answer with targets."""
        try:
            if self._turns.full:
                raise FullError
            sender = await self._sender(request)
            body = await bounded_body(request, self._max_bytes, also=MEDIA_TYPE)
            self._count_bytes(request, len(body))
            await self._turns.take(len(body))
            return self._applied(request.content_type, body, sender)
        except FullError:
            return self._busy()
        except RequestError as e:
            self._metrics.reports.labels(_OUTCOMES.get(type(e), "invalid")).inc()
            raise
        except Exception:
            self._metrics.reports.labels("error").inc()
            raise

    def _applied(self, kind: str, body: bytes, sender: Sender) -> web.Response:
        began = time.perf_counter()
        try:
            report, columns = _decoded(kind, body)
            applied = self._ingest.apply(report, sender, columns)
            self._count(applied)
            return json_response(encode(applied.reply), headers=_TAKES)
        finally:
            self._load.handled(time.perf_counter() - began)

    def _busy(self) -> web.Response:
        """The answer to a report that would have to wait for too many others."""
        error = Busy("too many reports at once; report again later", self._load.refused())
        self._metrics.reports.labels(_OUTCOMES[Busy]).inc()
        if time.monotonic() - self._complained >= COMPLAIN_S:
            self._complained = time.monotonic()
            log.warning("reports refused: too many at once", extra={"retry_after_s": error.retry_after_s})
        return error_response(error)

    def _count_bytes(self, request: web.Request, read: int) -> None:
        """Count the bytes as they travelled; `read` are those of the body when decompressed."""
        compressed = hdrs.CONTENT_ENCODING in request.headers
        encoding = "compact" if request.content_type == MEDIA_TYPE else "json"
        sent = request.content_length if compressed and request.content_length is not None else read
        self._metrics.report_bytes.labels(f"{encoding}+gzip" if compressed else encoding).inc(sent)

    def _count(self, applied: Applied) -> None:
        self._metrics.reports.labels("applied").inc()
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
