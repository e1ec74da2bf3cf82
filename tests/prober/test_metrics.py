import math

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from prober.courier import Outcome
from prober.metrics import REPORT_OUTCOMES, RTT_BUCKETS, UNMEASURED_REASONS, Coverage, Metrics
from prober.noise import REASONS
from prober.ping import DOUBTS


def test_every_series_is_there_from_the_start() -> None:
    registry = CollectorRegistry()
    Metrics(registry, version="1", node="n").opened("raw")
    text = generate_latest(registry).decode()
    for line in (
        "neilats_prober_probes_sent_total 0.0",
        "neilats_prober_probes_received_total 0.0",
        "neilats_prober_probes_lost_total 0.0",
        "neilats_prober_probes_late_total 0.0",
        'neilats_prober_probes_unmeasured_total{reason="lag"} 0.0',
        'neilats_prober_rtt_seconds_bucket{le="5e-05"} 0.0',
        'neilats_prober_rtt_seconds_bucket{le="5.0"} 0.0',
        "neilats_prober_targets 0.0",
        "neilats_prober_coverage_ratio NaN",
        'neilats_prober_reports_total{outcome="accepted"} 0.0',
        'neilats_prober_report_bytes_total{encoding="compact+gzip"} 0.0',
        'neilats_prober_target_lists_total{outcome="unchanged"} 0.0',
        "neilats_prober_report_after_seconds 0.0",
        "neilats_prober_samples_overrun_total 0.0",
        'neilats_prober_build_info{mode="raw",node="n",version="1"} 1.0',
    ):
        assert line in text.splitlines()


def test_every_reason_and_outcome_has_its_series() -> None:
    assert set(REPORT_OUTCOMES) == {outcome.value for outcome in Outcome}
    assert {*REASONS, *DOUBTS} < set(UNMEASURED_REASONS)


def test_the_buckets_reach_from_50_microseconds_to_5_seconds() -> None:
    assert RTT_BUCKETS[0] == pytest.approx(50e-6)
    assert RTT_BUCKETS[-1] == pytest.approx(5)
    assert len(RTT_BUCKETS) == 16


def test_coverage_is_the_share_of_the_last_window() -> None:
    coverage = Coverage(160.0)
    assert math.isnan(coverage.ratio(0.0))
    for i in range(100):
        coverage.add(i % 4 != 0, float(i))
    assert coverage.ratio(100.0) == pytest.approx(0.75)
    for i in range(160):
        coverage.add(True, 100.0 + i)
    assert coverage.ratio(260.0) == 1.0
    assert math.isnan(coverage.ratio(1000.0))
