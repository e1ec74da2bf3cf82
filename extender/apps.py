"""The extender's HTTP applications, one for each listener, and which calls each of them has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from extender.calls import Call, Door
from extender.heads import CALLS, REPORTS
from extender.http import Handler, json_response, observe
from extender.lane import Lane
from extender.lanecalls import CallConnection
from extender.lanereports import MOST, ReportConnection
from extender.metrics import Metrics
from extender.openapi import document
from extender.reports import Reports
from extender.webhooks import Webhooks

__all__ = ["Apps", "Routed", "open_apps"]


class Routed(Protocol):
    """A part that answers HTTP calls."""

    def routes(self) -> Sequence[web.RouteDef]:
        """Its routes."""


@dataclass(frozen=True)
class Apps:
    """kube-scheduler's calls; the cluster's calls; metrics and health alone; the old plugin's alone.

    Before the first two, a lane for the calls and one for the reports.
    """

    webhooks: web.Application
    calls: Lane[Call]
    api: web.Application
    reports: Lane[Door]
    metrics: web.Application
    legacy: web.Application


def open_apps(
    metrics: Metrics,
    health: Routed,
    plugin: Routed,
    webhooks: Webhooks,
    reports: Reports,
    queries: Sequence[Routed],
    guards: Sequence[Any],
) -> Apps:
    """The applications; `guards` are middlewares before all that the cluster's listener answers."""
    api = _app([reports, *queries, plugin, health], metrics, guards)
    api.add_routes([web.get("/openapi.json", _openapi)])
    apps = Apps(
        _app([webhooks], metrics),
        Lane(webhooks.calls, metrics, webhooks.max_bytes, CALLS, CallConnection),
        api,
        Lane(reports.doors, metrics, min(reports.max_bytes, MOST), REPORTS, ReportConnection),
        _app([health], metrics),
        _app([plugin], metrics),
    )
    for scraped in (apps.api, apps.metrics):
        scraped.add_routes([web.get("/metrics", _metrics(metrics))])
    return apps


def _app(parts: Sequence[Routed], metrics: Metrics, guards: Sequence[Any] = ()) -> web.Application:
    """An application of these parts, whose calls are counted."""
    app = web.Application(middlewares=[observe(metrics), *guards])
    app.add_routes([route for part in parts for route in part.routes()])
    return app


def _metrics(metrics: Metrics) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return handle


async def _openapi(request: web.Request) -> web.Response:
    return json_response(document())
