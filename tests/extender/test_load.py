"""The pause that probers are asked for: by their number, by what a report costs, and by how busy the process is."""

from heapq import heapify, heappop, heappush

import pytest

from extender.load import HTTP_S, LEAST_S, MOST_PER_S, SHARE, Load


class Rig:
    """A load whose clock and use of a core are moved by hand."""

    def __init__(self, interval_s: float = 10.0, fresh_for_s: float = 40.0) -> None:
        self.now = self.cpu_s = 0.0
        self.load = Load(interval_s, fresh_for_s, lambda: self.now, lambda: self.cpu_s)

    def run(self, seconds: int, busy: float, cost_s: float = 100e-6) -> None:
        """Let so many seconds pass with this share of a core used, and a hundred reports in each."""
        for _ in range(seconds):
            self.now += 1.0
            self.cpu_s += busy
            for _ in range(100):
                self.load.handled(cost_s)


def test_few_probers_are_not_asked_to_wait() -> None:
    rig = Rig()
    rig.run(10, busy=0.2)
    assert rig.load.pause_s(int(MOST_PER_S * LEAST_S)) == 0
    assert rig.load.pause_s(64) == 0


def test_five_thousand_probers_report_five_hundred_times_a_second() -> None:
    rig = Rig()
    rig.run(10, busy=0.2)
    assert 5000 / rig.load.pause_s(5000) == pytest.approx(500)


def test_reports_that_cost_much_come_less_often() -> None:
    rig = Rig()
    rig.run(60, busy=0.3, cost_s=1e-3)
    assert 2000 / rig.load.pause_s(2000) == pytest.approx(SHARE / (1e-3 + HTTP_S), rel=0.01)


def test_one_slow_report_changes_little() -> None:
    rig = Rig()
    rig.run(60, busy=0.3, cost_s=500e-6)
    before = rig.load.pause_s(3000)
    rig.load.handled(5e-3)
    assert before < rig.load.pause_s(3000) < 1.15 * before


@pytest.mark.parametrize(
    ("interval_s", "fresh_for_s", "most_s"), [(10, 40, 15), (1, 4, 1.5), (60, 60, 30)], ids=["usual", "quick", "short"]
)
def test_the_pause_stays_well_within_freshness(interval_s: float, fresh_for_s: float, most_s: float) -> None:
    rig = Rig(interval_s, fresh_for_s)
    rig.run(60, busy=1.0)
    assert rig.load.pause_s(1_000_000) == most_s


def test_while_the_process_is_busy_the_pause_grows_step_by_step_and_shrinks_again() -> None:
    rig = Rig()
    rig.run(5, busy=0.5)
    usual = rig.load.pause_s(1000)
    pauses = []
    for busy in (0.9, 0.9, 0.7, 0.3, *[0.3] * 10):
        rig.run(1, busy)
        pauses.append(rig.load.pause_s(1000))
    assert usual < pauses[0] < pauses[1] == pauses[2] > pauses[3]
    assert pauses[-1] == usual


def test_few_that_measure_for_a_pod_are_not_slowed_and_many_no_more_than_the_others() -> None:
    rig = Rig()
    rig.run(10, busy=0.2)
    assert rig.load.urgent_pause_s(5000, urgent=250) == 0
    assert rig.load.urgent_pause_s(5000, urgent=1000) == pytest.approx(4.0)
    assert rig.load.urgent_pause_s(5000, urgent=5000) == rig.load.pause_s(5000)


def test_those_that_measure_for_a_pod_wait_as_long_as_the_others_while_it_is_overloaded() -> None:
    rig = Rig()
    rig.run(10, busy=0.95)
    assert rig.load.urgent_pause_s(5000, urgent=1) == rig.load.pause_s(5000) > 0


def test_it_is_overloaded_while_the_process_is_busy() -> None:
    rig = Rig()
    rig.run(1, busy=0.5)
    assert not rig.load.overloaded
    rig.run(1, busy=0.95)
    assert rig.load.overloaded
    rig.run(1, busy=0.5)
    assert not rig.load.overloaded


def test_refusals_make_it_overloaded_and_ask_for_longer_each_second() -> None:
    rig = Rig()
    waits = []
    for _ in range(20):
        rig.now += 1.0
        waits.append(rig.load.refused())
        assert rig.load.overloaded
    assert waits[0] == 2
    assert waits == sorted(waits)
    assert waits[-1] == 8
    rig.run(2, busy=0.1)
    assert not rig.load.overloaded


def per_second(rig: Rig, probers: int, over_s: float, seconds: int) -> list[int]:
    """Reports in each second of so many probers whose first ones come within `over_s`, each as it is asked to."""
    due = [(over_s * i / probers, i) for i in range(probers)]
    heapify(due)
    counts = [0] * seconds
    while due[0][0] < seconds:
        rig.now, i = heappop(due)
        counts[int(rig.now)] += 1
        heappush(due, (rig.now + rig.load.spread_s(rig.load.pause_s(probers), probers), i))
    return counts


@pytest.mark.parametrize("over_s", [0.5, 2.0, 5.0, 10.0])
def test_probers_that_begin_together_report_evenly_from_the_second_time_on(over_s: float) -> None:
    counts = per_second(Rig(), 5000, over_s, 60)
    assert sum(counts[: int(over_s) + 1]) >= 5000 * 0.9
    assert max(counts[20:]) < 1.1 * 500
    assert min(counts[20:]) > 0.9 * 500


def test_probers_that_report_evenly_hardly_ever_come_more_often() -> None:
    counts = per_second(Rig(), 5000, 10.0, 60)
    assert max(counts) <= 2 * 500
    assert sum(counts) <= 1.05 * 60 * 500


@pytest.mark.parametrize(("interval_s", "most_s"), [(10.0, 15.0), (7.0, 10.5)], ids=["usual", "short intervals"])
def test_no_prober_waits_longer_than_is_said_or_much_less_than_the_others(interval_s: float, most_s: float) -> None:
    rig = Rig(interval_s)
    found = [rig.load.spread_s(10.0, 5000) for _ in range(20_000)]
    assert min(found) == 8.0
    assert max(found) == most_s == rig.load.longest_pause_s(5000)


def test_of_few_probers_nobody_is_asked_for_a_longer_pause() -> None:
    assert Rig().load.longest_pause_s(64) == 0
