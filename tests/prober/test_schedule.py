import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prober.schedule import GAP_S, GROUP, GROUP_S, Schedule, Slot

TIMER_S = 0.001


def _schedule(interval_s: float = 10.0, burst_count: int = 0, burst_interval_s: float = 1.0) -> Schedule:
    return Schedule("me", interval_s=interval_s, burst_count=burst_count, burst_interval_s=burst_interval_s)


def _run(schedule: Schedule, start: float, seconds: float) -> list[tuple[float, Slot]]:
    """What an event loop with ordinary timers would send, and when."""
    sent, now = [], start
    while (wake := max(now + 1e-6, schedule.next_wake())) <= start + seconds:
        now = wake + TIMER_S
        sent += [(now, slot) for slot in schedule.take(now)]
    return sent


def test_each_target_is_probed_once_in_each_interval() -> None:
    schedule = _schedule()
    for i in range(100):
        schedule.add(f"n{i}", 1000.0)
    sent = _run(schedule, 1000.0, 30.0)
    counts = {f"n{i}": sum(s.target == f"n{i}" for _, s in sent) for i in range(100)}
    assert set(counts.values()) == {3}
    assert not any(s.missed for _, s in sent)


def test_a_targets_probes_lie_on_a_grid() -> None:
    schedule = _schedule()
    for i in range(200):
        schedule.add(f"n{i}", 1000.0)
    times = [at for at, s in _run(schedule, 1000.0, 100.0) if s.target == "n7"]
    assert len(times) == 10
    for i, at in enumerate(times):
        assert at == pytest.approx(times[0] + 10 * i, abs=0.01)


def test_the_phase_survives_a_restart() -> None:
    dues = []
    for start in (1000.0, 2003.0):
        schedule = _schedule()
        schedule.add("n", start)
        dues.append(schedule.next_wake() % 10)
    assert dues[0] == pytest.approx(dues[1])


def test_targets_are_spread_over_the_interval() -> None:
    schedule = _schedule()
    for i in range(1000):
        schedule.add(f"n{i}", 1000.0)
    sent = [at for at, _ in _run(schedule, 1000.0, 10.0)]
    per_second = [sum(1000 + s <= at < 1001 + s for at in sent) for s in range(10)]
    assert min(per_second) > 60
    assert max(per_second) < 140


def test_few_targets_are_sent_one_by_one() -> None:
    schedule = _schedule()
    for i in range(150):
        schedule.add(f"n{i}", 1000.0)
    times = [at for at, _ in _run(schedule, 1000.0, 20.0)]
    assert min(b - a for a, b in pairwise(times)) >= GAP_S


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3000), st.sampled_from([0.5, 1.0, 5.0, 10.0, 60.0]))
def test_never_more_than_a_small_group_at_once(targets: int, interval_s: float) -> None:
    schedule = _schedule(interval_s, burst_interval_s=0.5)
    for i in range(targets):
        schedule.add(f"n{i}", 1000.0)
    sent = [at for at, _ in _run(schedule, 1000.0, min(interval_s, 5.0))]
    rate = targets / interval_s
    most = 1 + math.ceil(1.6 * max(min(GROUP, GROUP_S * rate), TIMER_S * rate))
    assert all(sent.count(at) <= most for at in set(sent))


def test_a_new_target_gets_a_burst_then_its_regular_samples() -> None:
    schedule = _schedule(burst_count=10)
    schedule.add("n", 1000.0)
    assert schedule.bursting == 1
    times = [at for at, _ in _run(schedule, 1000.0, 45.0)]
    steps = [round(b - a, 2) for a, b in pairwise(times)]
    assert times[0] <= 1001.1
    assert steps[:9] == [1.0] * 9
    assert steps[9] <= 10.0
    assert steps[10:] == [10.0] * len(steps[10:])
    assert schedule.bursting == 0


def test_bursts_of_many_new_targets_are_spread_too() -> None:
    schedule = _schedule(burst_count=10)
    for i in range(500):
        schedule.add(f"n{i}", 1000.0)
    sent = _run(schedule, 1000.0, 3.0)
    per_tenth = [sum(1001 + s / 10 <= at < 1001 + (s + 1) / 10 for at, _ in sent) for s in range(10)]
    assert max(per_tenth) < 100
    assert not any(s.missed for _, s in sent)


def test_asking_again_does_not_restart_a_running_burst() -> None:
    schedule = _schedule(burst_count=5)
    schedule.add("n", 1000.0)
    sent = 0
    for second in range(12):
        schedule.burst("n", 1000.0 + second) if second < 5 else None
        sent += len(_run(schedule, 1000.0 + second, 1.0))
    assert sent <= 5 + 2


def test_a_burst_can_be_asked_for_again_once_it_is_over() -> None:
    schedule = _schedule(burst_count=5)
    schedule.add("n", 1000.0)
    _run(schedule, 1000.0, 20.0)
    schedule.burst("n", 1020.0)
    assert len(_run(schedule, 1020.0, 6.0)) >= 5


def test_bursts_can_be_switched_off() -> None:
    schedule = _schedule(burst_count=0)
    schedule.add("n", 1000.0)
    schedule.burst("n", 1000.0)
    assert schedule.bursting == 0
    assert len(_run(schedule, 1000.0, 10.0)) == 1


def test_what_a_stall_missed_is_skipped_and_never_sent_at_once() -> None:
    schedule = _schedule()
    for i in range(100):
        schedule.add(f"n{i}", 1000.0)
    _run(schedule, 1000.0, 10.0)
    slots = schedule.take(1015.0)
    assert sum(not s.missed for s in slots) <= 1
    assert 40 <= sum(s.missed for s in slots) <= 60


def test_after_a_long_stall_only_the_last_missed_slots_are_told() -> None:
    schedule = _schedule()
    schedule.add("n", 1000.0)
    slots = [s for at in range(50) for s in schedule.take(100_000.0 + at / 1000)]
    assert 1 <= len(slots) <= 6
    assert schedule.next_wake() > 100_000.0


def test_a_removed_target_is_never_probed_again() -> None:
    schedule = _schedule(burst_count=10)
    schedule.add("n", 1000.0)
    schedule.remove("n")
    schedule.remove("unknown")
    assert (len(schedule), schedule.bursting, schedule.next_wake()) == (0, 0, math.inf)
    assert schedule.take(2000.0) == []


def test_a_target_that_comes_back_is_probed_once_per_interval() -> None:
    schedule = _schedule()
    for _ in range(3):
        schedule.add("n", 1000.0)
        schedule.remove("n")
    schedule.add("n", 1000.0)
    assert len(_run(schedule, 1000.0, 30.0)) == 3


def test_adding_a_known_target_changes_nothing() -> None:
    schedule = _schedule(burst_count=10)
    schedule.add("n", 1000.0, burst=False)
    schedule.add("n", 1000.0)
    assert schedule.bursting == 0


def test_a_new_interval_moves_every_target() -> None:
    schedule = _schedule()
    for i in range(10):
        schedule.add(f"n{i}", 1000.0)
    schedule.set_interval(2.0, 1000.0)
    assert schedule.interval_s == 2.0
    assert len(_run(schedule, 1000.0, 20.0)) == 100


def test_a_burst_is_never_slower_than_the_interval() -> None:
    schedule = _schedule(interval_s=10.0, burst_count=10)
    schedule.set_interval(0.2, 1000.0)
    schedule.add("n", 1000.0)
    assert len(_run(schedule, 1000.0, 2.0)) >= 9
