"""The UDP echo's responder: answers well-formed requests, as long as they came, and says how long it held them.

The residence lets the prober subtract this side's delay, as TWAMP does. It answers from the address that was asked,
which a socket bound to every address would not do by itself.
"""

import asyncio
import math
import socket
import struct
from collections.abc import Callable, Sequence
from time import time_ns
from typing import Any, Final

from prober.ping.channel import Channel
from prober.ping.echo import EchoPacket, decode, reply
from prober.ping.stamps import received_ns

__all__ = ["DelayFunction", "Responder"]

DelayFunction = Callable[[str], float]
"""Seconds by which answers to a source address are held back to emulate a link; infinity drops them."""

_IP_PKTINFO: Final = getattr(socket, "IP_PKTINFO", 8)
_IN_PKTINFO: Final = struct.Struct("@I4s4s")


class Responder:
    """Serves the echo on its channels. An injected delay is part of the emulated link, so it is no residence."""

    def __init__(self, channels: Sequence[Channel], *, delay: DelayFunction | None = None, exempt: bytes = b"") -> None:
        self._channels = list(channels)
        self._delay = delay
        self._exempt = exempt
        self.answered = 0
        self.refused = 0
        for channel in self._channels:
            _ask_destination(channel.socket)

    @property
    def port(self) -> int:
        """The port that it serves; the same in each family."""
        return int(self._channels[0].name[1])

    @property
    def listening(self) -> tuple[str, ...]:
        """Its addresses, for the log."""
        return tuple(_shown(channel) for channel in self._channels)

    def start(self) -> None:
        """Answer from the running event loop."""
        for channel in self._channels:
            channel.hand_to(self._receiver(channel.socket))
            channel.watch()

    def close(self) -> None:
        """Close its sockets."""
        for channel in self._channels:
            channel.close()

    def _receiver(self, sock: socket.socket) -> Callable[[bytes, list[tuple[int, int, bytes]], tuple[Any, ...]], None]:
        def receive(data: bytes, ancillary: list[tuple[int, int, bytes]], source: tuple[Any, ...]) -> None:
            asked = decode(data)
            if asked is None or not asked.is_request:
                self.refused += 1
                return
            arrived = received_ns(ancillary) or time_ns()
            self._hold(asked, arrived, lambda held: self._answer(sock, asked, arrived, held, ancillary, source), source)

        return receive

    def _hold(self, asked: EchoPacket, arrived: int, answer: Callable[[float], None], source: tuple[Any, ...]) -> None:
        held = self._delay(str(source[0])) if self._delay and asked.token != self._exempt else 0.0
        if held <= 0:
            answer(0.0)
        elif math.isfinite(held):
            passed = (time_ns() - arrived) / 1e9
            asyncio.get_running_loop().call_later(max(0.0, held - passed), answer, held)

    def _answer(
        self,
        sock: socket.socket,
        asked: EchoPacket,
        arrived: int,
        held: float,
        ancillary: list[tuple[int, int, bytes]],
        source: tuple[Any, ...],
    ) -> None:
        from_asked = [a for a in map(_as_source, ancillary) if a]
        injected = int(held * 1e9)
        try:
            residence = max(0, time_ns() - arrived - injected)
            sock.sendmsg([reply(asked, residence)], from_asked, 0, source)
            self.answered += 1
        except OSError:  # no buffer, no route back, or closed while it was held: the prober counts a loss
            self.refused += 1


def _ask_destination(sock: socket.socket) -> None:
    """Have the kernel say to which of our addresses a packet came."""
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)


def _as_source(header: tuple[int, int, bytes]) -> tuple[int, int, bytes] | None:
    """The packet-info header that sends from the address at which the packet came in."""
    level, kind, data = header
    if level == socket.IPPROTO_IP and kind == _IP_PKTINFO and len(data) >= _IN_PKTINFO.size:
        _interface, local, _destination = _IN_PKTINFO.unpack_from(data)
        return level, kind, _IN_PKTINFO.pack(0, local, bytes(4))
    if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
        return level, kind, data
    return None


def _shown(channel: Channel) -> str:
    host, port = channel.name[:2]
    return f"[{host}]:{port}/udp" if ":" in host else f"{host}:{port}/udp"
