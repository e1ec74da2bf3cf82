"""`POST /v1/report`: the probers' door."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from extender.errors import BadRequest, NotReady, Refused, Replayed, RequestError, TooLarge, Unauthenticated, Unknown
from extender.http import bounded_body, json_response
from extender.ingest import Applied, Ingest
from extender.metrics import Metrics
from extender.owners import Sender
from prober.wire import Report, WireError, decode_report, encode

__all__ = ["Reports"]

_OUTCOMES: Final = {
    Unauthenticated: "unauthenticated",
    Refused: "refused",
    Unknown: "unknown_node",
    Replayed: "replayed",
    TooLarge: "too_large",
    NotReady: "not_ready",
}


class Reports:
    """Decodes and applies reports, and counts what came of them; `sender` says whose a request is, before its body."""

    def __init__(
        self,
        ingest: Ingest,
        metrics: Metrics,
        max_bytes: int,
        sender: Callable[[web.Request], Awaitable[Sender]],
    ) -> None:
        self._ingest, self._metrics, self._max_bytes, self._sender = ingest, metrics, max_bytes, sender

    def routes(self) -> list[web.RouteDef]:
        """The one route."""
        return [web.post("/v1/report", self.report)]

    async def report(self, request: web.Request) -> web.Response:
        """Apply one report and answer with targets."""
        try:
            sender = await self._sender(request)
            body = await bounded_body(request, self._max_bytes)
            self._metrics.report_bytes.inc(len(body))
            applied = self._ingest.apply(_decoded(body), sender)
        except RequestError as e:
            self._metrics.reports.labels(_OUTCOMES.get(type(e), "invalid")).inc()
            raise
        except Exception:
            self._metrics.reports.labels("error").inc()
            raise
        self._count(applied)
        return json_response(encode(applied.reply))

    def _count(self, applied: Applied) -> None:
        self._metrics.reports.labels("applied").inc()
        self._metrics.prober_restarts.inc(applied.restarted)
        for kind, count in (
            ("measured", applied.samples - applied.lost - applied.unmeasured),
            ("lost", applied.lost),
            ("unmeasured", applied.unmeasured),
            ("unknown_target", applied.unknown_target),
        ):
            self._metrics.samples.labels(kind).inc(count)


def _decoded(body: bytes) -> Report:
    try:
        return decode_report(body)
    except WireError as e:
        raise BadRequest(str(e)) from e
