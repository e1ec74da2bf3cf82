import pytest

from prober.noise import Judge


@pytest.fixture
def judge() -> Judge:
    found = Judge(control_limit_ms=1, lag_limit_ms=100, control_interval_s=1)
    found.tick(0.0, 0.0)
    found.control(0.0, 0.0, 0.02)
    return found


def test_a_quiet_prober_speaks_against_nothing(judge: Judge) -> None:
    for i in range(1, 10):
        judge.control(float(i), i + 2e-5, 0.02)
        judge.tick(float(i), i + 0.001)
    assert judge.verdict(0.0, 9.0) is None


@pytest.mark.parametrize("rtt_ms", [1.5, None], ids=["slow", "lost"])
def test_a_bad_control_probe_taints_the_half_intervals_around_it(judge: Judge, rtt_ms: float | None) -> None:
    judge.control(10.0, 10.0, rtt_ms)
    assert judge.verdict(9.6, 9.6) == "control"
    assert judge.verdict(10.4, 10.4) == "control"
    assert judge.verdict(9.0, 9.6) == "control"
    assert judge.verdict(9.0, 9.4) is None
    assert judge.verdict(10.6, 12.0) is None


def test_lag_taints_the_time_since_the_last_tick(judge: Judge) -> None:
    judge.tick(5.0, 5.0)
    judge.tick(5.1, 5.3)
    judge.tick(5.4, 5.4)
    assert judge.verdict(5.1, 5.2) == "lag"
    assert judge.verdict(4.0, 4.9) is None
    assert judge.verdict(5.35, 5.4) is None


def test_lag_within_the_limit_is_no_noise(judge: Judge) -> None:
    judge.tick(5.0, 5.099)
    assert judge.verdict(0.0, 6.0) is None
    assert judge.lag_ms == pytest.approx(99)


def test_the_shown_lag_is_a_peak_that_fades(judge: Judge) -> None:
    judge.tick(5.0, 5.05)
    judge.tick(5.1, 5.101)
    assert 45 < judge.lag_ms < 50
    for i in range(1000):
        judge.tick(6.0 + i, 6.0 + i)
    assert judge.lag_ms < 0.01


def test_a_flight_is_covered_once_later_control_and_tick_are_known(judge: Judge) -> None:
    assert not judge.covers(0.5)
    judge.control(1.0, 1.0, 0.02)
    assert not judge.covers(0.5)
    judge.tick(0.6, 0.6)
    assert judge.covers(0.5)


def test_a_host_that_never_answers_itself_is_not_noisy() -> None:
    judge = Judge(control_limit_ms=1, lag_limit_ms=100, control_interval_s=1)
    for i in range(10):
        judge.control(float(i), i + 1.0, None)
    assert judge.control_silent
    assert judge.verdict(8.0, 8.1) is None
    judge.control(11.0, 11.0, 0.02)
    assert not judge.control_silent
    judge.control(12.0, 12.0, None)
    assert judge.verdict(12.0, 12.0) == "control"


def test_a_host_that_stops_answering_itself_for_good_is_not_noisy_either(judge: Judge) -> None:
    for i in range(1, 100):
        judge.control(float(i), i + 1.0, None)
    assert judge.verdict(30.0, 30.0) == "control"
    assert judge.control_silent
    assert judge.verdict(90.0, 90.1) is None


def test_noise_that_lasts_takes_no_memory(judge: Judge) -> None:
    for i in range(10_000):
        judge.control(float(i), float(i), 5.0)
        judge.tick(i + 0.2, i + 0.4)
    assert sum(map(len, judge._noises.values())) < 1000
    assert judge.verdict(9999.0, 9999.0) == "control"
