"""ICMP echo over one socket per address family: unprivileged datagram sockets, or raw ones.

A datagram socket's id is set by the kernel (its port), which also hands over only its own replies. A raw socket sees
every reply on the host: a random id, a kernel filter on the type, and a random token in the payload tell ours.
"""

import socket
import struct
from collections.abc import Callable, Mapping
from time import monotonic_ns, time_ns
from typing import Any, Final

from icmplib import ICMPv4Socket, ICMPv6Socket

from prober.ping.base import Destination, Echo, Sent
from prober.ping.channel import Channel, resolve_numeric
from prober.ping.stamps import received_ns

__all__ = ["IcmpChannel", "IcmpPinger", "parse_reply"]

_SOL_RAW: Final = 255
_ICMP_FILTER: Final = 1
_ICMP6_FILTER: Final = 1
_REPLY_TYPES: Final = {int(socket.AF_INET): 0, int(socket.AF_INET6): 129}

_REPLY: Final = struct.Struct("!BBHHH8sQ")
"""ICMP header, token, number."""

_PAYLOAD: Final = struct.Struct("!8sQ")
_PADDING: Final = bytes(56 - _PAYLOAD.size)
"""The payload is as long as `ping`'s."""


class IcmpChannel:
    """An icmplib socket as a channel; icmplib opens it and encodes the packets. Raises icmplib's errors and OSError."""

    def __init__(self, family: int, *, raw: bool, bind: str | None, identity: int, token: bytes) -> None:
        kind = ICMPv4Socket if family == socket.AF_INET else ICMPv6Socket
        self._icmp: Any = kind(address=bind, privileged=raw)
        self._ip_header = raw and family == socket.AF_INET
        self._reply_type = _REPLY_TYPES[family]
        self._token = token
        self.on_echo: Callable[[Echo], None] = lambda _: None
        sock = self._icmp.sock
        if raw:
            _filter_replies(sock, family)
        elif not bind:
            sock.bind(("", 0))  # fixes the id before the first packet
        self.channel = Channel(sock)
        self.channel.hand_to(self.receive)
        self.identity = identity if raw else int(sock.getsockname()[1])

    def request(self, number: int) -> bytes:
        """An echo request; the only use of icmplib's packet encoding, which has no public form without a send."""
        payload = _PAYLOAD.pack(self._token, number) + _PADDING
        packet: bytes = self._icmp._create_packet(self.identity, number & 0xFFFF, payload)
        return packet

    def receive(self, data: bytes, ancillary: list[tuple[int, int, bytes]], source: tuple[Any, ...]) -> None:
        """Hand on what is a reply to us."""
        offset = (data[0] & 0x0F) * 4 if self._ip_header and data else 0
        number = parse_reply(data, offset, self._reply_type, self.identity, self._token)
        stamp = received_ns(ancillary)
        if number is not None and stamp is not None:
            self.on_echo(Echo(number, source[0], stamp, monotonic_ns(), time_ns()))

    def close(self) -> None:
        """Close the socket."""
        self.channel.close()
        self._icmp.close()


def parse_reply(data: bytes, offset: int, reply_type: int, identity: int, token: bytes) -> int | None:
    """The probe's number, if `data` from `offset` on is an echo reply with our id, token and matching sequence."""
    if len(data) < offset + _REPLY.size:
        return None
    kind, code, _checksum, its_identity, sequence, its_token, number = _REPLY.unpack_from(data, offset)
    if its_token != token or its_identity != identity or kind != reply_type or code or sequence != number & 0xFFFF:
        return None
    return int(number)


class IcmpPinger:
    """Echo requests to any address of the families that are open."""

    udp_port = 0

    def __init__(self, channels: Mapping[int, IcmpChannel], *, raw: bool, control_address: str) -> None:
        self._channels = dict(channels)
        self.mode = "raw" if raw else "dgram"
        self._control = resolve_numeric(control_address, 0)

    @property
    def listening(self) -> tuple[str, ...]:
        """Each socket's address and id."""
        return tuple(f"{c.channel.name[0]}/icmp id {c.identity}" for c in self._channels.values())

    def destination(self, address: str, port: int = 0) -> Destination:
        """The address; ICMP has no port. Raises ValueError for one that no open socket can reach."""
        found = resolve_numeric(address, 0)
        if found.family not in self._channels:
            raise ValueError(f"{address}: no socket of its address family is open")
        return found

    def control(self) -> Destination:
        """A loopback address, or the one that the socket is bound to."""
        return self._control

    def start(self, on_echo: Callable[[Echo], None]) -> None:
        """Take the replies; `drain` hands them over."""
        for channel in self._channels.values():
            channel.on_echo = on_echo

    def send(self, number: int, to: Destination) -> Sent:
        """Send one probe; raises NotSentError or UnreachableError."""
        channel = self._channels[to.family]
        packet = channel.request(number)
        return channel.channel.send(packet, to.sockaddr)

    def drain(self) -> None:
        """Hand over the replies that wait."""
        for channel in self._channels.values():
            if channel.channel.used:
                channel.channel.drain()

    def close(self) -> None:
        """Close every socket."""
        for channel in self._channels.values():
            channel.close()


def _filter_replies(sock: socket.socket, family: int) -> None:
    """Have the kernel drop every ICMP type but echo replies; a set bit blocks its type."""
    if family == socket.AF_INET:
        sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~(1 << 0)))
        return
    words = [0xFFFFFFFF] * 8
    words[129 // 32] &= ~(1 << (129 % 32))
    sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *words))
