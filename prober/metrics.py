"""The prober's metrics: per node, in base units, every label set there from the start."""

import math
from collections import deque
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["RTT_BUCKETS", "Coverage", "Metrics"]

RTT_BUCKETS: Final = tuple(
    digit * 10.0**power for power in range(-5, 1) for digit in (1, 2, 5) if 5e-5 <= digit * 10.0**power <= 5
)
"""From 50 microseconds, because neighbours in a rack answer within 100, to 5 s."""

REPORT_OUTCOMES: Final = (
    "accepted",
    "resync",
    "duplicate",
    "too_large",
    "rejected",
    "unauthorized",
    "unavailable",
    "busy",
    "unreachable",
    "bad_reply",
)

ENCODINGS: Final = ("json", "json+gzip", "compact", "compact+gzip")

UNMEASURED_REASONS: Final = ("control", "lag", "clock", "preempted", "residence", "local", "stalled")

_BUCKETS: Final = 16


class Coverage:
    """The share of expected samples that were measured (a loss is a measurement) in the last `window_s` seconds."""

    def __init__(self, window_s: float) -> None:
        self._width = window_s / _BUCKETS
        self._counts: deque[tuple[int, int, int]] = deque(maxlen=_BUCKETS)

    def add(self, measured: bool, now: float) -> None:
        """Count one expected sample."""
        slot = int(now // self._width)
        if self._counts and self._counts[-1][0] == slot:
            _, expected, got = self._counts.pop()
        else:
            expected, got = 0, 0
        self._counts.append((slot, expected + 1, got + measured))

    def ratio(self, now: float) -> float:
        """The share, NaN when nothing was expected."""
        oldest = int(now // self._width) - _BUCKETS
        recent = [(e, g) for slot, e, g in self._counts if slot > oldest]
        expected = sum(e for e, _ in recent)
        return sum(g for _, g in recent) / expected if expected else math.nan


class Metrics:
    """Everything that the prober counts, in a registry of its own."""

    def __init__(self, registry: CollectorRegistry, *, version: str = "", node: str = "") -> None:
        p = "neilats_prober_"
        self.sent = Counter(f"{p}probes_sent", "Probes sent", registry=registry)
        self.received = Counter(f"{p}probes_received", "Replies received in time", registry=registry)
        self.lost = Counter(f"{p}probes_lost", "Probes without a reply in time", registry=registry)
        self.late = Counter(f"{p}probes_late", "Replies that came after the timeout", registry=registry)
        self.stray = Counter(
            f"{p}probes_stray", "Replies that match no probe: duplicates or another source address", registry=registry
        )
        self.unmeasured = Counter(f"{p}probes_unmeasured", "Samples not measured", ["reason"], registry=registry)
        self.rtt = Histogram(f"{p}rtt_seconds", "Round trips to all targets", buckets=RTT_BUCKETS, registry=registry)
        self.targets = Gauge(f"{p}targets", "Nodes that are probed", registry=registry)
        self.ignored = Gauge(f"{p}targets_ignored", "Targets not probed", ["reason"], registry=registry)
        self.coverage = Gauge(
            f"{p}coverage_ratio",
            "Share of the expected samples of the last window that were measured",
            registry=registry,
        )
        self.reports = Counter(f"{p}reports", "Reports sent to the extenders", ["outcome"], registry=registry)
        self.report_bytes = Counter(
            f"{p}report_bytes", "Bytes of report bodies by encoding", ["encoding"], registry=registry
        )
        self.target_lists = Counter(
            f"{p}target_lists",
            "Replies by whether they brought a list of targets or left it as it was",
            ["outcome"],
            registry=registry,
        )
        self.report_after = Gauge(
            f"{p}report_after_seconds", "Longest pause between reports that an extender asks for now", registry=registry
        )
        self.overrun = Counter(
            f"{p}samples_overrun", "Samples overwritten before a replica had them", registry=registry
        )
        self.replicas = Gauge(f"{p}extender_replicas", "Extender replicas that are reported to", registry=registry)
        self.control = Gauge(f"{p}control_rtt_seconds", "Latest loopback round trip, NaN if lost", registry=registry)
        self.control_lost = Counter(f"{p}control_lost", "Loopback probes without a reply", registry=registry)
        self.lag = Gauge(f"{p}loop_lag_seconds", "Latest lag of the event loop", registry=registry)
        build = Gauge(f"{p}build_info", "Version and node", ["version", "node", "mode"], registry=registry)
        self._build, self._version, self._node = build, version, node
        for outcome in REPORT_OUTCOMES:
            self.reports.labels(outcome)
        for encoding in ENCODINGS:
            self.report_bytes.labels(encoding)
        for outcome in ("received", "unchanged"):
            self.target_lists.labels(outcome)
        for reason in ("address", "limit"):
            self.ignored.labels(reason)
        self._unmeasured = {reason: self.unmeasured.labels(reason) for reason in UNMEASURED_REASONS}
        self.control.set(math.nan)
        self.coverage.set(math.nan)

    def opened(self, mode: str) -> None:
        """Say which probe mode is in use."""
        self._build.labels(self._version, self._node, mode).set(1)

    def report_sent(self, encoding: str, size: int) -> None:
        """Count the bytes of a report's body."""
        self.report_bytes.labels(encoding).inc(size)

    def not_measured(self, reason: str) -> None:
        """Count a sample that was not measured."""
        self._unmeasured[reason].inc()
