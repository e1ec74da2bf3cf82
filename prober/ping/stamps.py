"""The clocks of a round trip: kernel receive stamps, and whether the stamps of one round trip can be trusted.

The kernel stamps with the wall clock, which may be stepped, so each round trip is checked against the monotonic one.
"""

import socket
import struct
from collections.abc import Iterable
from typing import Final

from prober.ping.base import Echo, Sent

__all__ = ["DOUBTS", "enable_stamps", "received_ns", "round_trip"]

SO_TIMESTAMPNS: Final = 35
"""Linux on every architecture that Kubernetes runs on; the socket module has no name for it."""

_TIMESPEC: Final = struct.Struct("@ll")

PREEMPTED_NS: Final = 100_000
"""A hand-over to the kernel that took longer is suspect. With cold caches an ordinary one takes up to this."""

STEP_NS: Final = 100_000
"""The wall clock may move against the monotonic one by this, and by a thousandth, before it counts as stepped."""

BEHIND_NS: Final = 1_000_000
"""A round trip cannot outlast the time until it was read; this much is allowed between two clocks."""

DOUBTS: Final = ("clock", "preempted", "residence")
"""Why a reply may not count: the wall clock was stepped, the send was preempted, the residence is impossible."""


def enable_stamps(sock: socket.socket) -> None:
    """Ask the kernel to stamp what the socket receives; raises OSError where it cannot."""
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def received_ns(ancillary: Iterable[tuple[int, int, bytes]]) -> int | None:
    """The kernel's receive stamp (CLOCK_REALTIME, ns) among a packet's ancillary data, if there is one."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return None


def round_trip(sent: Sent, echo: Echo, usual_send_ns: int = 0) -> tuple[int, str | None]:
    """A round trip in ns without the other side's residence, and why it cannot be trusted (None: it can).

    `usual_send_ns` is how long a hand-over to the kernel usually takes here: on a path with long filter chains each
    one takes more than PREEMPTED_NS, and that is no preemption.
    """
    elapsed = echo.read_monotonic_ns - sent.monotonic_ns
    whole = echo.received_ns - sent.wall_ns
    stepped = abs((echo.read_wall_ns - sent.wall_ns) - elapsed) > STEP_NS + elapsed // 1000
    if stepped or whole < 0 or whole > elapsed + BEHIND_NS:
        return max(0, whole), "clock"
    rtt = whole - echo.residence_ns
    if rtt < 0:
        return 0, "residence"
    if sent.took_ns > max(PREEMPTED_NS, rtt // 10, 3 * usual_send_ns):
        return rtt, "preempted"
    return rtt, None


def ancillary_space() -> int:
    """Bytes for a receive stamp and a packet-info header beside it."""
    return socket.CMSG_SPACE(_TIMESPEC.size) + socket.CMSG_SPACE(32)
