import pytest

from neilats.settings import ProberSettings
from prober.pace import report_period_s
from prober.schedule import Schedule


def _period_s(asked_s: float, *, bursting: bool = False, interval_s: float = 10.0, **settings: float) -> float:
    found = ProberSettings(node_name="me", **settings)
    schedule = Schedule(
        "me", interval_s=interval_s, burst_count=found.burst_count, burst_interval_s=found.burst_interval_s
    )
    if bursting:
        schedule.add("a", 1000.0)
    return report_period_s(found, schedule, asked_s)


def test_without_a_wish_reports_go_at_the_probers_own_pace() -> None:
    assert _period_s(0.0) == 5.0
    assert _period_s(0.0, interval_s=2.0) == 2.0
    assert _period_s(0.0, bursting=True) == 1.0


@pytest.mark.parametrize("bursting", [False, True])
def test_a_pause_that_is_asked_for_is_kept(bursting: bool) -> None:
    assert _period_s(8.0, bursting=bursting) == 8.0


def test_nobody_is_asked_to_report_more_often() -> None:
    assert _period_s(2.0) == 5.0


def test_samples_wait_for_one_and_a_half_intervals_at_most() -> None:
    assert _period_s(3600.0) == 15.0
    assert _period_s(3600.0, interval_s=60.0) == 90.0


def test_a_ring_never_fills_up_while_a_report_waits() -> None:
    assert _period_s(3600.0, bursting=True, interval_s=600.0, ring_samples=64, burst_interval_s=1.0) == 32.0
