"""Probes over the UDP echo, for networks that drop ICMP. The prober serves the other half itself (`responder`)."""

from collections.abc import Callable, Mapping
from time import monotonic_ns, time_ns
from typing import Any

from prober.ping import echo
from prober.ping.base import Destination, Echo, Sent
from prober.ping.channel import Channel, resolve_numeric
from prober.ping.responder import Responder
from prober.ping.stamps import received_ns

__all__ = ["UdpPinger"]


class UdpPinger:
    """One socket per address family towards the other probers' responders.

    `channels` maps each family to its socket, `control_address` is where this prober's own responder answers.
    """

    mode = "udp"

    def __init__(
        self,
        channels: Mapping[int, Channel],
        responder: Responder,
        *,
        token: bytes,
        default_port: int,
        control_address: str,
    ) -> None:
        self._channels = dict(channels)
        self._responder = responder
        self._token = token
        self._default_port = default_port or responder.port
        self._control = resolve_numeric(control_address, responder.port)
        self._on_echo: Callable[[Echo], None] = lambda _: None

    @property
    def listening(self) -> tuple[str, ...]:
        """The responder's addresses."""
        return self._responder.listening

    @property
    def udp_port(self) -> int:
        """The responder's port."""
        return self._responder.port

    def destination(self, address: str, port: int = 0) -> Destination:
        """The responder at this address; port 0 is the default port. Raises ValueError for an unusable address."""
        found = resolve_numeric(address, port or self._default_port)
        if found.family not in self._channels:
            raise ValueError(f"{address}: no socket of its address family is open")
        return found

    def control(self) -> Destination:
        """This prober's own responder."""
        return self._control

    def start(self, on_echo: Callable[[Echo], None]) -> None:
        """Take the replies, which `drain` hands over, and serve the echo from the running event loop."""
        self._on_echo = on_echo
        self._responder.start()
        for channel in self._channels.values():
            channel.hand_to(self._receive)

    def send(self, number: int, to: Destination) -> Sent:
        """Send one probe; raises NotSentError or UnreachableError."""
        return self._channels[to.family].send(echo.request(self._token, number), to.sockaddr)

    def drain(self) -> None:
        """Hand over the replies that wait."""
        for channel in self._channels.values():
            if channel.used:
                channel.drain()

    def close(self) -> None:
        """Close every socket."""
        for channel in self._channels.values():
            channel.close()
        self._responder.close()

    def _receive(self, data: bytes, ancillary: list[tuple[int, int, bytes]], source: tuple[Any, ...]) -> None:
        packet = echo.decode(data)
        if packet is None or packet.is_request or packet.token != self._token:
            return
        stamp = received_ns(ancillary)
        if stamp is not None:
            self._on_echo(Echo(packet.number, str(source[0]), stamp, monotonic_ns(), time_ns(), packet.residence_ns))
