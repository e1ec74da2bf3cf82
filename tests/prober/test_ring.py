import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.ring import UNMEASURED, Ring
from prober.wire import LOST, MAX_AGE_MS, MAX_RUN, Report, Run, decode_report, encode


def _unfold(runs: list[Run], now: float) -> list[tuple[float, float | None]]:
    """Times and values as a reader of the runs gets them."""
    found = []
    for run in runs:
        oldest = now - run.age_ms / 1000 - run.step_ms / 1000 * (len(run.rtt_ms) - 1)
        found += [(oldest + i * run.step_ms / 1000, v) for i, v in enumerate(run.rtt_ms)]
    return found


def _filled(times: list[float], values: list[float], capacity: int = 64) -> Ring:
    ring = Ring(capacity)
    for time, value in zip(times, values, strict=True):
        ring.add(time, value)
    return ring


gaps = st.floats(0.001, 30) | st.sampled_from([0.05, 1.0, 10.0])
values = st.just(LOST) | st.just(UNMEASURED) | st.floats(0, 600_000)


@given(st.lists(st.tuples(gaps, values), min_size=1, max_size=100), st.integers(1, 80))
def test_runs_reproduce_the_samples_and_their_times(steps: list[tuple[float, float]], capacity: int) -> None:
    times, now = [], 1000.0
    for gap, _ in steps:
        now += gap
        times.append(now)
    ring = _filled(times, [v for _, v in steps], capacity)
    expected = list(zip(times, [v for _, v in steps], strict=True))[-capacity:]
    found = _unfold(ring.runs_since(0, now + 1), now + 1)
    assert len(found) == len(expected)
    for i, ((at, value), (was_at, was)) in enumerate(zip(found, expected, strict=True)):
        near = max((was_at - expected[i - 1][0]) if i else 30, 0.02)
        assert abs(at - was_at) <= min(0.05, 30 * near) + 0.002
        assert value is None if math.isnan(was) else value == round(was, 4)


@given(st.lists(st.tuples(gaps, values), min_size=1, max_size=100))
def test_runs_are_valid_on_the_wire(steps: list[tuple[float, float]]) -> None:
    ring, now = Ring(64), 0.0
    for gap, value in steps:
        now += gap
        ring.add(now, value)
    decode_report(encode(Report("me", "b", 1, 10_000.0, {"n": ring.runs_since(0, now)})))


def test_a_regular_series_is_one_run() -> None:
    ring = _filled([1000 + 10 * i + 0.004 * (i % 3) for i in range(50)], [0.3] * 50)
    (run,) = ring.runs_since(0, 1500)
    assert run.step_ms == pytest.approx(10_000, abs=2)
    assert run.age_ms == pytest.approx(10_000, abs=60)
    assert run.rtt_ms == [0.3] * 50


def test_a_burst_and_the_regular_samples_behind_it_are_two_runs() -> None:
    times = [1000.0 + i for i in range(10)] + [1015.0 + 10 * i for i in range(5)]
    runs = _filled(times, [0.2] * 15).runs_since(0, 1060)
    assert [len(run.rtt_ms) for run in runs] == [10, 5]
    assert [round(run.step_ms) for run in runs] == [1000, 10_000]


def test_small_deviations_do_not_add_up() -> None:
    times = [1000 + 10 * i + (0.04 if i % 2 else 0.0) for i in range(64)]
    ring = _filled(times, [1.0] * 64)
    for (at, _), was in zip(_unfold(ring.runs_since(0, 2000), 2000), times, strict=True):
        assert abs(at - was) < 0.051


def test_samples_become_reportable_in_order() -> None:
    ring = Ring(64)
    first, second, third = (ring.open(1000.0 + i) for i in range(3))
    ring.decide(second, 0.5)
    assert ring.decided == first
    assert ring.runs_since(0, 1010) == []
    ring.decide(first, LOST)
    assert ring.decided == third
    assert [v for _, v in ring.samples(0)] == [LOST, 0.5]
    ring.decide(third, 0.7)
    assert [v for _, v in ring.samples(second)] == [0.5, 0.7]


def test_the_ring_keeps_the_latest_samples() -> None:
    ring = _filled([1000.0 + i for i in range(200)], [float(i) for i in range(200)])
    assert ring.oldest == 136
    assert [v for _, v in ring.samples(0)] == [float(i) for i in range(136, 200)]


def test_an_overwritten_sample_neither_blocks_nor_changes_anything() -> None:
    ring = Ring(64)
    stuck = ring.open(1000.0)
    for i in range(64):
        ring.add(1001.0 + i, 0.1)
    ring.decide(stuck, 99.0)
    assert [v for _, v in ring.samples(0)] == [0.1] * 64


def test_a_ring_may_start_at_any_index() -> None:
    ring = Ring(64, first=1000)
    ring.add(1.0, 0.5)
    assert (ring.oldest, ring.decided) == (1000, 1001)
    assert ring.samples(0) == [(1.0, 0.5)]


def test_times_never_fall() -> None:
    ring = _filled([1000.0, 999.0], [0.1, 0.2])
    assert [at for at, _ in ring.samples(0)] == [1000.0, 1000.0]


def test_what_is_too_old_for_the_format_is_not_reported() -> None:
    ring = _filled([0.0, 3600.0 * 25], [0.1, 0.2])
    (run,) = ring.runs_since(0, 3600.0 * 25)
    assert run.rtt_ms == [0.2]
    assert run.age_ms < MAX_AGE_MS


def test_a_run_is_no_longer_than_the_format_allows() -> None:
    count = MAX_RUN + 904
    ring = _filled([10.0 * i for i in range(count)], [0.1] * count, count)
    assert [len(run.rtt_ms) for run in ring.runs_since(0, 10.0 * count)] == [MAX_RUN, 904]


def test_an_absurd_rtt_is_cut_to_the_format() -> None:
    assert _filled([0.0], [1e12]).runs_since(0, 1)[0].rtt_ms == [600_000.0]


def test_a_ring_needs_room() -> None:
    with pytest.raises(ValueError, match="holds nothing"):
        Ring(0)


def test_a_sample_that_was_overwritten_by_pending_ones_is_not_reported() -> None:
    ring = Ring(4)
    ring.add(1000.0, 0.5)
    assert [run.rtt_ms for run in ring.runs_since(0, 1001.0)] == [[0.5]]
    for i in range(4):
        ring.open(1010.0 + i)
    assert (ring.oldest, ring.decided) == (1, 1)
    assert ring.runs_since(0, 1020.0) == []


@given(st.integers(1, 9), st.integers(0, 30), st.integers(0, 30))
def test_a_ring_holds_its_latest_samples_in_order(capacity: int, made: int, since: int) -> None:
    ring = Ring(capacity)
    for i in range(made):
        ring.add(1000.0 + i, float(i))
    kept = range(max(since, made - capacity), made)
    assert ring.samples(since) == [(1000.0 + i, float(i)) for i in kept]
    assert [v for run in ring.runs_since(since, 1040.0) for v in run.rtt_ms] == [float(i) for i in kept]
