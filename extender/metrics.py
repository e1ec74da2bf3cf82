"""What Prometheus scrapes: aggregates only, in base units; no series names a pair of nodes or a pod."""

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.core import GaugeMetricFamily

from extender.neutral import Neutral

__all__ = ["ACCESS_REVIEWS", "SAMPLES", "TOKEN_REVIEWS", "Counts", "Metrics"]

VERBS: Final = ("filter", "prioritize", "preempt")
OUTCOMES: Final = ("passed", "filtered", "scored", *(str(n) for n in Neutral), "error")
REPORTS: Final = (
    "applied",
    "invalid",
    "unauthenticated",
    "refused",
    "unknown_node",
    "replayed",
    "too_large",
    "not_ready",
    "busy",
    "error",
)
ENCODINGS: Final = ("json", "json+gzip", "compact", "compact+gzip")
TOKEN_REVIEWS: Final = ("authenticated", "rejected", "failed", "throttled")
ACCESS_REVIEWS: Final = ("allowed", "denied", "failed", "throttled")
PLACED: Final = ("kept", "broken", "unmeasured")
EVENTS: Final = ("sent", "aggregated", "dropped", "failed")
SAMPLES: Final = ("measured", "lost", "unmeasured", "unknown_target")
BUCKETS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

Counts = Callable[[], Iterable[tuple[str, int]]]
"""How many there are in each state."""


class Metrics:
    """Every metric of the extender, on the given registry, with its label sets at zero from the start."""

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        self.registry = registry
        Info("neilats_build", "Version of this extender", registry=registry).info({"version": version})
        self.calls = Counter(
            "neilats_extender_calls", "Webhook calls by verb and outcome", ["verb", "outcome"], registry=registry
        )
        self.call_seconds = Histogram(
            "neilats_extender_call_duration_seconds", "Webhook duration", ["verb"], buckets=BUCKETS, registry=registry
        )
        self.requests = Counter(
            "neilats_extender_http_requests",
            "Other requests by route and status",
            ["route", "status"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "neilats_extender_http_request_duration_seconds", "Duration", ["route"], buckets=BUCKETS, registry=registry
        )
        self.reports = Counter("neilats_extender_reports", "Reports by outcome", ["outcome"], registry=registry)
        self.prober_restarts = Counter(
            "neilats_extender_prober_restarts", "Probers that came back as another process", registry=registry
        )
        self.report_bytes = Counter(
            "neilats_extender_report_bytes",
            "Bytes of report bodies as they came, by encoding",
            ["encoding"],
            registry=registry,
        )
        self.target_lists = Counter(
            "neilats_extender_target_lists",
            "Replies to reports by whether they carry the list of targets",
            ["outcome"],
            registry=registry,
        )
        self.report_after = Gauge(
            "neilats_extender_report_after_seconds",
            "Pause between two reports that probers are asked for because of the load; 0 for none",
            registry=registry,
        )
        self.samples = Counter("neilats_extender_samples", "Samples by what they were", ["kind"], registry=registry)
        self.recorder_dropped = Counter(
            "neilats_extender_recorder_dropped_samples",
            "Samples that a recording lacks: a full disk, a slow listener, or too many at once",
            registry=registry,
        )
        self.wakes = Counter(
            "neilats_extender_pod_wakes", "Refused pods woken by what became known", ["outcome"], registry=registry
        )
        self.watch_restarts = Counter(
            "neilats_extender_watch_restarts", "Lists made anew after a watch broke", ["resource"], registry=registry
        )
        self.outvoted = Counter(
            "neilats_extender_bound_pods", "Pods bound after being scored here", ["outvoted"], registry=registry
        )
        self._forecasts(registry)
        self._estimates(registry)
        self._access(registry)
        self._placed(registry)
        self.ready = Gauge("neilats_extender_ready", "Whether /readyz says yes", registry=registry)
        self.nodes = Gauge("neilats_extender_nodes", "Nodes known", registry=registry)
        self._zero()

    def _forecasts(self, registry: CollectorRegistry) -> None:
        """What is computed ahead or on demand, and whether it is better than the naive forecast."""
        self.model_loads = Counter(
            "neilats_extender_model_loads", "Models loaded after a promotion", ["outcome"], registry=registry
        )
        self.forecast_seconds = Counter(
            "neilats_extender_forecast_seconds", "Time spent on forecasts of violations", registry=registry
        )
        self.forecast_rows = Counter(
            "neilats_extender_forecast_rows", "Violations forecast, by who wanted them", ["why"], registry=registry
        )
        self.forecast_cache = Counter(
            "neilats_extender_forecast_cache",
            "Violations wanted: remembered (hit), not (miss), and not computed in time either (late)",
            ["outcome"],
            registry=registry,
        )
        self.forecast_brier = Gauge(
            "neilats_forecast_brier", "Mean squared error of forecast violations", ["forecaster"], registry=registry
        )
        self.forecast_skill = Gauge(
            "neilats_forecast_skill_ratio",
            "1 - model / naive of these errors; above 0: it is better",
            registry=registry,
        )
        self.forecast_groups = Gauge(
            "neilats_forecast_groups", "Nodes by whose violations count for them", ["state"], registry=registry
        )

    def _estimates(self, registry: CollectorRegistry) -> None:
        """Round trips estimated where nobody measures."""
        self.estimate_nodes = Gauge(
            "neilats_estimate_nodes", "Nodes whose unmeasured paths can be estimated", registry=registry
        )
        self.estimate_error = Gauge(
            "neilats_estimate_relative_error_ratio",
            "Median of |estimated - measured| / measured over pairs kept out of the fit",
            registry=registry,
        )
        self.estimate_error.set(float("nan"))
        self.estimate_seconds = Counter(
            "neilats_extender_estimate_seconds", "Processor time of the estimates' thread", registry=registry
        )

    def _access(self, registry: CollectorRegistry) -> None:
        """Who calls: what the API server said of it, and the certificates of the listeners."""
        self.token_reviews = Counter(
            "neilats_extender_token_reviews", "Reviews of tokens by outcome", ["outcome"], registry=registry
        )
        self.access_reviews = Counter(
            "neilats_extender_access_reviews", "Reviews of what callers may do", ["outcome"], registry=registry
        )
        self.tls_reloads = Counter(
            "neilats_extender_tls_reloads",
            "Changed certificates taken into use, or not",
            ["outcome"],
            registry=registry,
        )
        self.certificate_expiry = Gauge(
            "neilats_extender_certificate_expiry_timestamp_seconds",
            "When the listener's certificate ends, in seconds since 1970",
            ["listener"],
            registry=registry,
        )

    def _placed(self, registry: CollectorRegistry) -> None:
        """What became of promises, and what people were told."""
        self.placed_pods = Gauge(
            "neilats_placed_pods", "Pods on nodes by how their promise stands", ["state"], registry=registry
        )
        self.events = Counter(
            "neilats_extender_events", "Events on pods by what became of them", ["outcome"], registry=registry
        )
        self.events_leader = Gauge(
            "neilats_extender_events_leader", "Whether this replica speaks of placed pods", registry=registry
        )

    def _zero(self) -> None:
        for outcome in TOKEN_REVIEWS:
            self.token_reviews.labels(outcome)
        for outcome in ACCESS_REVIEWS:
            self.access_reviews.labels(outcome)
        for outcome in ("loaded", "failed"):
            self.tls_reloads.labels(outcome)
        for state in PLACED:
            self.placed_pods.labels(state)
        for outcome in EVENTS:
            self.events.labels(outcome)
        for outcome in ("loaded", "failed"):
            self.model_loads.labels(outcome)
        for why in ("asked", "refreshed"):
            self.forecast_rows.labels(why)
        for outcome in ("hit", "miss", "late"):
            self.forecast_cache.labels(outcome)
        for verb in VERBS:
            self.call_seconds.labels(verb)
            for outcome in OUTCOMES:
                self.calls.labels(verb, outcome)
        for outcome in REPORTS:
            self.reports.labels(outcome)
        for outcome in ("sent", "left_out"):
            self.target_lists.labels(outcome)
        for encoding in ENCODINGS:
            self.report_bytes.labels(encoding)
        for kind in SAMPLES:
            self.samples.labels(kind)
        for outcome in ("true", "false"):
            self.outvoted.labels(outcome)
        for outcome in ("done", "failed"):
            self.wakes.labels(outcome)

    def count_windows(self, counts: Counts) -> None:
        """Have the windows counted by freshness at each scrape."""
        self._count("neilats_extender_windows", "Paths by freshness of their window", counts)

    def count_probers(self, counts: Counts) -> None:
        """Have the ready nodes counted at each scrape by whether their probers report."""
        self._count("neilats_extender_probers", "Ready nodes by whether their prober reports", counts)

    def _count(self, name: str, doc: str, counts: Counts) -> None:
        self.registry.register(_States(name, doc, counts))


class _States:
    """Counts by state when scraped, because freshness changes with nothing but time."""

    def __init__(self, name: str, doc: str, counts: Counts) -> None:
        self._name, self._doc, self._counts = name, doc, counts

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """One gauge for each state."""
        family = GaugeMetricFamily(self._name, self._doc, labels=["state"])
        for state, count in self._counts():
            family.add_metric([state], count)
        yield family
