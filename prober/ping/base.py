"""What a pinger promises to the loop above it, and the ways in which it can fail.

PingError
├── SocketsRefusedError   no socket could be opened; the text names the remedies
├── NotSentError          this host refused the packet: nothing was measured
└── UnreachableError      the network has no way to the address: a loss
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

__all__ = [
    "Destination",
    "Echo",
    "NotSentError",
    "PingError",
    "Pinger",
    "Sent",
    "SocketsRefusedError",
    "UnreachableError",
]


class PingError(Exception):
    """Something about sending or opening failed."""


class SocketsRefusedError(PingError):
    """No socket of the wanted kind could be opened."""


class NotSentError(PingError):
    """The packet never left this host (no buffer, a local filter)."""


class UnreachableError(PingError):
    """There is no route to the destination."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An address in the form that the sockets take and report it."""

    address: str
    family: int
    sockaddr: tuple[Any, ...]


class Sent(NamedTuple):
    """The clocks just before a packet was handed to the kernel, and how long the kernel kept it, in ns."""

    monotonic_ns: int
    wall_ns: int
    took_ns: int


class Echo(NamedTuple):
    """A reply that carries our token: the probe's number, who sent it, and the clocks.

    `received_ns` is the kernel's stamp (wall clock); `read_*_ns` are the clocks when the reply was read;
    `residence_ns` is the time that the answering side says it held the packet.
    """

    number: int
    source: str
    received_ns: int
    read_monotonic_ns: int
    read_wall_ns: int
    residence_ns: int = 0


class Pinger(Protocol):
    """Sends probes and hands over the replies; owns its sockets."""

    @property
    def mode(self) -> str:
        """`dgram`, `raw` or `udp`."""

    @property
    def listening(self) -> tuple[str, ...]:
        """What the sockets are bound to, for the log."""

    @property
    def udp_port(self) -> int:
        """The port of the UDP echo that this pinger serves; 0 if it serves none."""

    def destination(self, address: str, port: int = 0) -> Destination:
        """The address for `send`; raises ValueError for one that no open socket can reach."""

    def control(self) -> Destination:
        """This host's own answering address, to measure the prober itself."""

    def start(self, on_echo: Callable[[Echo], None]) -> None:
        """Take the replies. They wait in the sockets, with the kernel's stamps, until `drain`: a wake-up for each
        would cost more than the probe."""

    def send(self, number: int, to: Destination) -> Sent:
        """Send one probe now; raises NotSentError or UnreachableError."""

    def drain(self) -> None:
        """Hand over every reply that already waits in a socket."""

    def close(self) -> None:
        """Stop watching and close the sockets."""
