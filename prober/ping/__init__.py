"""The sockets: ICMP and UDP echo with kernel stamps. Nothing outside this package opens a probing socket."""

from prober.ping.base import (
    Destination,
    Echo,
    NotSentError,
    Pinger,
    PingError,
    Sent,
    SocketsRefusedError,
    UnreachableError,
)
from prober.ping.opening import open_pinger
from prober.ping.responder import DelayFunction
from prober.ping.routes import source_towards
from prober.ping.stamps import DOUBTS, round_trip

__all__ = [
    "DOUBTS",
    "DelayFunction",
    "Destination",
    "Echo",
    "NotSentError",
    "PingError",
    "Pinger",
    "Sent",
    "SocketsRefusedError",
    "UnreachableError",
    "open_pinger",
    "round_trip",
    "source_towards",
]
