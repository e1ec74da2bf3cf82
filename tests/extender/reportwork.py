"""Probers' reports as bytes, and an extender that gets them, without a network."""

import gzip
import re
from contextlib import contextmanager

from aiohttp import web

from extender.access.senders import by_address
from extender.app import build
from extender.cluster.static import StaticCluster
from extender.heads import REPORTS
from extender.http import observe
from extender.lane import Lane
from extender.lanereports import ReportConnection
from extender.load import Load
from extender.reports import Reports
from extender.turns import Turns
from neilats.settings import ExtenderSettings
from prober.compact import MEDIA_TYPE, pack
from prober.wire import Report, Run
from tests.extender.access.fake_reviews import PROBER, FakeReviews, on_node
from tests.extender.conftest import Clock

__all__ = ["COMPACT", "GZIP", "JSON", "MOST", "Crowded", "Door", "a_report", "door", "post", "says"]

JSON, COMPACT, GZIP = b"application/json", MEDIA_TYPE.encode(), b"Content-Encoding: gzip\r\n"
MOST = 1 << 19
"""Bytes that this extender reads of a report."""


class Door:
    """An extender whose prober on node-2 has the token `t`; the lane, and the framework's application behind it."""

    def __init__(self, **settings):
        self.api = FakeReviews()
        self.api.knows("t", extra=on_node("node-2"))
        self.api.knows("other", extra=on_node("node-1"))
        self.api.knows("guest", "system:serviceaccount:shop:web", extra=on_node("node-2"))
        cluster = StaticCluster((n, "") for n in ("node-1", "node-2"))
        cluster.api = self.api
        chosen = {"report_auth": "token", "reporters": (PROBER,), "report_max_mib": MOST / 2**20} | settings
        clock = Clock()
        self.extender = build(ExtenderSettings(forecaster="median", **chosen), cluster, clock)
        clock.forward(60)  # nobody waits for a turn to have a token reviewed
        self.metrics, self.lane = self.extender.metrics, self.extender.apps.reports

    def app(self):
        return self.extender.apps.api

    def close(self):
        self.extender.worker.close()
        self.extender.estimates.close()

    def seen(self):
        """What was counted, and what is known of the probers."""
        names = ("reports", "report_bytes", "http_requests", "samples", "token_reviews", "target_lists")
        counted = {
            (s.name, *sorted(s.labels.items())): s.value
            for family in self.metrics.registry.collect()
            for s in family.samples
            if s.name in {f"neilats_extender_{n}_total" for n in names} and s.value
        }
        return counted, {name: (source.boot, source.seq) for name, source in self.extender.ingest.sources.items()}

    def reports(self, outcome):
        found = self.metrics.registry.get_sample_value("neilats_extender_reports_total", {"outcome": outcome})
        return found or 0


class Crowded(Door):
    """A door before which nobody may wait."""

    def __init__(self):
        super().__init__()
        ingest, load = self.extender.ingest, Load(10.0, 40.0)
        self.reports_ = Reports(ingest, self.metrics, MOST, by_address, load, Turns(most=0))
        self.lane = Lane(self.reports_.doors, self.metrics, MOST, REPORTS, ReportConnection)

    def app(self):
        app = web.Application(middlewares=[observe(self.metrics)])
        app.add_routes(self.reports_.routes())
        return app


@contextmanager
def door(kind=Door, **settings):
    made = kind(**settings)
    try:
        yield made
    finally:
        made.close()


def a_report(seq=1, node="node-2", samples=4):
    return Report(node, "b1", seq, 10_000.0, {"node-1": Run(0.0, 10_000.0, [1.0] * samples)})


def post(body=None, kind=COMPACT, token=b"t", length=None, more=b"", packed=False):
    """A report as our prober writes it."""
    body = pack(a_report()) if body is None else body
    body, more = (gzip.compress(body), GZIP + more) if packed else (body, more)
    if token is not None:
        more += b"Authorization: Bearer %s\r\n" % token
    return (
        b"POST /v1/report HTTP/1.1\r\nHost: 127.0.0.1:8888\r\nContent-Type: %s\r\n%sAccept: */*\r\n"
        b"Accept-Encoding: gzip, deflate\r\nUser-Agent: Python/3.11 aiohttp/3.14.5\r\nContent-Length: %d\r\n\r\n%s"
    ) % (kind, more, len(body) if length is None else length, body)


def says(found):
    """Answers without what is another process's in each."""
    answers, closed = found
    same = [(head, re.sub(rb'"targets_version":"[0-9a-f]{8}', b"", body)) for head, body in answers]
    return same, closed
