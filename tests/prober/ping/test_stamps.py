import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.ping import Echo, Sent, round_trip
from prober.ping.stamps import received_ns

MS = 1_000_000
WALL = 1_700_000_000_000_000_000
SENT = Sent(monotonic_ns=5_000 * MS, wall_ns=WALL, took_ns=10_000)


def _echo(rtt_ns: int, read_ns: int | None = None, residence_ns: int = 0, stepped_ns: int = 0) -> Echo:
    """A reply that came after `rtt_ns` and was read `read_ns` after the send; the wall clock was stepped between."""
    read = rtt_ns if read_ns is None else read_ns
    return Echo(
        1, "10.0.0.1", WALL + rtt_ns + stepped_ns, SENT.monotonic_ns + read, WALL + read + stepped_ns, residence_ns
    )


@pytest.mark.parametrize(
    ("sent", "echo", "expected"),
    [
        (SENT, _echo(300_000), (300_000, None)),
        (SENT, _echo(300_000, read_ns=500 * MS), (300_000, None)),
        (SENT, _echo(5 * MS, residence_ns=4 * MS), (1 * MS, None)),
        (SENT, _echo(5 * MS, residence_ns=6 * MS), (0, "residence")),
        (SENT, _echo(5 * MS, stepped_ns=-3 * MS), (2 * MS, "clock")),
        (SENT, _echo(5 * MS, stepped_ns=-9 * MS), (0, "clock")),
        (SENT, _echo(5 * MS, stepped_ns=60_000 * MS), (60_005 * MS, "clock")),
        (SENT._replace(took_ns=90_000), _echo(300_000), (300_000, None)),
        (SENT._replace(took_ns=150_000), _echo(300_000), (300_000, "preempted")),
        (SENT._replace(took_ns=150_000), _echo(3 * MS), (3 * MS, None)),
        (SENT._replace(took_ns=400_000), _echo(3 * MS), (3 * MS, "preempted")),
    ],
    ids=[
        "plain",
        "read late",
        "residence is subtracted",
        "more residence than time",
        "stepped back a little",
        "stepped back far",
        "stepped ahead",
        "sent quickly",
        "sent slowly",
        "sent slowly on a long path",
        "preempted on a long path",
    ],
)
def test_what_a_round_trip_is_worth(sent: Sent, echo: Echo, expected: tuple[int, str | None]) -> None:
    assert round_trip(sent, echo) == expected


def test_a_send_that_always_takes_long_is_no_preemption() -> None:
    sent = SENT._replace(took_ns=250_000)
    assert round_trip(sent, _echo(300_000), usual_send_ns=100_000) == (300_000, None)


def test_the_kernels_stamp_is_found_among_other_headers() -> None:
    stamp = (socket.SOL_SOCKET, 35, struct.pack("@ll", 1_700_000_000, 123_456_789))
    assert received_ns([(0, 8, b"x" * 12), stamp]) == 1_700_000_000_123_456_789
    assert received_ns([(0, 8, b"x" * 12)]) is None


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.binary(max_size=40)), max_size=4))
def test_no_ancillary_data_raises(headers: list[tuple[int, int, bytes]]) -> None:
    received_ns(headers)
