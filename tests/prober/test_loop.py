import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from prober.ping import Echo, NotSentError, UnreachableError
from prober.targets import Goal
from prober.wire import LOST

A, B = "10.0.0.1", "10.0.0.2"


def _goals(**addresses: str) -> dict[str, Goal]:
    return {name: Goal(address, 0) for name, address in addresses.items()}


def test_a_reply_becomes_a_sample_with_its_round_trip(rig: Any) -> None:
    rig.pinger.paths[A] = 0.0005
    rig.loop.retarget(_goals(a=A))
    rig.run(35)
    assert rig.values("a") == [pytest.approx(0.5)] * 3
    assert rig.count("probes_sent_total") == rig.count("probes_received_total") == 3
    assert rig.count("rtt_seconds_count") == 3
    assert rig.coverage.ratio(rig.clock.now) == 1.0


def test_the_time_of_a_sample_is_when_it_was_sent(rig: Any) -> None:
    rig.pinger.paths[A] = 1.5
    rig.loop.retarget(_goals(a=A))
    rig.run(24)
    assert [at for at, _ in rig.store.ring("a").samples(0)] == pytest.approx(rig.pinger.probes(A)[:2], abs=1e-6)


def test_a_probe_without_reply_is_a_loss(rig: Any) -> None:
    rig.pinger.paths[A] = None
    rig.loop.retarget(_goals(a=A))
    rig.run(34)
    assert rig.values("a") == [LOST] * 3
    assert rig.count("probes_lost_total") == 3
    assert rig.count("rtt_seconds_count") == 0


def test_a_late_reply_is_a_loss_and_counted_apart(rig: Any) -> None:
    rig.pinger.paths[A] = 3.0
    rig.loop.retarget(_goals(a=A))
    rig.run(25)
    assert set(rig.values("a")) == {LOST}
    assert rig.count("probes_late_total") == 2
    assert rig.count("probes_received_total") == 0


def test_an_early_reply_that_is_read_late_is_no_loss(make_rig: Callable[..., Any]) -> None:
    rig = make_rig(timeout_s=0.05)
    rig.pinger.paths[A] = 0.01
    rig.loop.retarget(_goals(a=A))
    while not rig.pinger.probes(A):
        rig.run(0.05)
    rig.clock.now += 0.08  # the loop is away, but less than counts as noise
    rig.run(3)
    assert rig.values("a") == [pytest.approx(10)]


def test_a_reply_from_another_address_is_not_ours(rig: Any) -> None:
    rig.pinger.paths[A] = None
    rig.loop.retarget(_goals(a=A))
    rig.run(11)
    number = next(n for n, address, _ in rig.pinger.sent if address == A)
    rig.loop.receive(Echo(number, B, 0, 0, 0))
    rig.run(9)
    assert rig.values("a")[0] == LOST
    assert rig.count("probes_stray_total") == 1


def test_a_second_reply_changes_nothing(rig: Any) -> None:
    rig.pinger.paths[A] = 0.001
    rig.loop.retarget(_goals(a=A))
    rig.run(11)
    number = next(n for n, address, _ in rig.pinger.sent if address == A)
    rig.loop.receive(Echo(number, A, 0, 0, 0))
    assert rig.values("a") == [pytest.approx(1.0)]
    assert rig.count("probes_stray_total") == 1


@pytest.mark.parametrize("control", [0.005, None], ids=["slow", "lost"])
def test_samples_beside_a_bad_control_probe_are_not_measured(rig: Any, control: float | None) -> None:
    rig.pinger.paths[A] = None
    rig.loop.retarget(_goals(a=A))
    rig.run(2.5)
    rig.pinger.paths["127.0.0.1"] = control
    rig.run(20)
    assert all(math.isnan(v) for v in rig.values("a")[:1])
    assert rig.count("probes_lost_total") == 0
    assert rig.count("probes_unmeasured_total", reason="control") >= 1
    assert rig.loop.noisy >= 1
    assert rig.coverage.ratio(rig.clock.now) < 1


def test_a_loss_during_a_stall_of_the_loop_is_not_measured(rig: Any) -> None:
    rig.pinger.paths[A] = None
    rig.loop.retarget(_goals(a=A))
    while not rig.pinger.probes(A):
        rig.run(0.1)
    rig.clock.now += 1.0
    rig.run(9)
    assert math.isnan(rig.values("a")[0])
    assert rig.count("probes_unmeasured_total", reason="lag") == 1


def test_a_sample_waits_until_the_noise_during_its_flight_is_known(rig: Any) -> None:
    rig.loop.retarget(_goals(a=A))
    while not rig.pinger.probes(A):
        rig.run(0.1)
    sent = rig.pinger.probes(A)[0]
    while not rig.values("a"):
        rig.run(0.05)
    control = [at for _, address, at in rig.pinger.sent if address == "127.0.0.1"]
    assert any(at > sent for at in control)
    assert rig.clock.now < sent + 1.5


def test_what_this_host_refuses_to_send_is_not_measured(rig: Any) -> None:
    rig.pinger.paths[A] = NotSentError("no buffer")
    rig.loop.retarget(_goals(a=A))
    rig.run(11)
    assert all(math.isnan(v) for v in rig.values("a"))
    assert rig.count("probes_unmeasured_total", reason="local") == 1
    assert rig.count("probes_sent_total") == 0


def test_an_unreachable_network_is_a_loss(rig: Any) -> None:
    rig.pinger.paths[A] = UnreachableError("no route")
    rig.loop.retarget(_goals(a=A))
    rig.run(12)
    assert rig.values("a") == [LOST]


def test_a_control_probe_that_cannot_be_sent_is_a_lost_one(rig: Any) -> None:
    rig.pinger.paths["127.0.0.1"] = NotSentError("no buffer")
    rig.run(2)
    assert rig.count("control_lost_total") >= 2


def test_a_preempted_send_is_not_measured(rig: Any) -> None:
    rig.loop.retarget(_goals(a=A, b=B))
    rig.run(20)
    rig.pinger.took_ns = 5_000_000
    rig.run(10)
    assert rig.count("probes_unmeasured_total", reason="preempted") >= 1


def test_a_step_of_the_wall_clock_is_not_measured(rig: Any) -> None:
    rig.pinger.paths[A] = 0.5
    rig.loop.retarget(_goals(a=A))
    while not rig.pinger.probes(A):
        rig.run(0.05)
    rig.pinger.wall_ns -= 3_000_000
    rig.run(5)
    assert math.isnan(rig.values("a")[0])
    assert rig.count("probes_unmeasured_total", reason="clock") == 1


def test_slots_that_a_stall_missed_are_not_measured_and_not_sent_at_once(rig: Any) -> None:
    rig.loop.retarget({f"n{i}": Goal(f"10.0.1.{i}", 0) for i in range(100)})
    rig.run(10)
    rig.clock.now += 5
    before = len(rig.pinger.probes())
    rig.run(0.05)
    assert len(rig.pinger.probes()) - before <= 10
    assert rig.count("probes_unmeasured_total", reason="stalled") >= 40
    gaps = [b - a for a, b in pairwise(rig.pinger.probes())]
    assert min(gaps) >= 0.0009


def test_a_new_target_is_measured_quickly(make_rig: Callable[..., Any]) -> None:
    rig = make_rig(burst_count=10)
    rig.loop.retarget(_goals(a=A))
    rig.run(12)
    assert len(rig.values("a")) >= 10


def test_a_burst_starts_when_it_is_asked_for(make_rig: Callable[..., Any]) -> None:
    rig = make_rig(burst_count=10)
    rig.loop.retarget(_goals(a=A))
    rig.run(30)
    before = len(rig.pinger.probes(A))
    rig.loop.burst(["a", "unknown"])
    rig.run(11)
    assert len(rig.pinger.probes(A)) - before >= 10


def test_a_target_with_a_new_address_keeps_its_name_and_is_measured_quickly(make_rig: Callable[..., Any]) -> None:
    rig = make_rig(burst_count=10)
    rig.loop.retarget(_goals(a=A))
    rig.run(30)
    rig.loop.retarget(_goals(a=B))
    rig.run(12)
    assert len(rig.pinger.probes(B)) >= 10
    assert len(rig.values("a")) >= 20
    assert rig.count("targets") == 1


def test_a_removed_target_is_left_alone(rig: Any) -> None:
    rig.loop.retarget(_goals(a=A, b=B))
    rig.run(20)
    before = len(rig.pinger.probes(A))
    rig.loop.retarget(_goals(b=B))
    rig.run(20)
    assert len(rig.pinger.probes(A)) == before
    assert "a" in rig.store  # its samples stay reportable for a while
    assert rig.count("targets") == 1


def test_a_target_that_no_socket_reaches_is_counted(rig: Any) -> None:
    rig.loop.retarget(_goals(a="fd00::1", b=B))
    assert rig.loop.unroutable == 1
    assert rig.count("targets") == 1
    rig.loop.retarget(_goals(a="fd00::1", b=B))
    assert rig.loop.unroutable == 1


def test_a_silent_host_is_measured_all_the_same(rig: Any, caplog: pytest.LogCaptureFixture) -> None:
    rig.pinger.paths["127.0.0.1"] = None
    rig.loop.retarget(_goals(a=A))
    rig.run(40)
    assert rig.values("a")[-1] == pytest.approx(0.02, rel=0.1)
    assert "answers no probe to itself" in caplog.text


def test_memory_of_flights_is_bounded(rig: Any) -> None:
    rig.pinger.paths = {f"10.0.1.{i}": None for i in range(50)}
    rig.loop.retarget({f"n{i}": Goal(f"10.0.1.{i}", 0) for i in range(50)})
    rig.run(600)
    assert len(rig.loop._flights) < 50 * 4
    assert rig.count("probes_lost_total") > 2500
