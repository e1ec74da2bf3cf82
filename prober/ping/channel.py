"""One long-lived, non-blocking socket with kernel receive stamps: send one packet, drain what has come."""

import asyncio
import errno
import socket
from collections.abc import Callable
from time import monotonic_ns, time_ns
from typing import Any, Final

from prober.ping.base import Destination, NotSentError, Sent, UnreachableError
from prober.ping.stamps import ancillary_space, enable_stamps

__all__ = ["Channel", "OnPacket", "resolve_numeric"]

OnPacket = Callable[[bytes, list[tuple[int, int, bytes]], tuple[Any, ...]], None]
"""Takes a packet, its ancillary data and the sender's socket address."""

SO_RCVBUFFORCE: Final = 33
RECEIVE_BUFFER: Final = 4 * 1024 * 1024
"""Room for thousands of replies, so that a busy event loop drops none."""

MAX_DRAIN: Final = 1024
"""Packets read in one go; the rest waits for the next wake-up, so that a flood starves nobody."""

PACKET: Final = 512
"""Longest packet of interest; a longer one is cut and then refused."""

_UNREACHABLE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})


class Channel:
    """A socket of its own; takes over `sock` and closes it. Raises OSError when the kernel cannot stamp."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._space = ancillary_space()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_packet: OnPacket = _ignore
        self.errors = 0
        self.used = False
        """Whether anything was ever sent, so that a reply may wait."""
        sock.setblocking(False)
        enable_stamps(sock)
        _widen(sock)

    @property
    def family(self) -> int:
        """AF_INET or AF_INET6."""
        return int(self._sock.family)

    @property
    def name(self) -> tuple[Any, ...]:
        """The socket's own address."""
        name: tuple[Any, ...] = self._sock.getsockname()
        return name

    @property
    def socket(self) -> socket.socket:
        """The socket, for what a channel does not do itself."""
        return self._sock

    def hand_to(self, on_packet: OnPacket) -> None:
        """Hand every packet to `on_packet`, whenever `drain` is called."""
        self._on_packet = on_packet

    def watch(self) -> None:
        """Drain as soon as packets come, from the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._sock, self.drain)

    def send(self, packet: bytes, to: tuple[Any, ...]) -> Sent:
        """Send one packet, with nothing between the stamp and the kernel; raises NotSentError or UnreachableError."""
        sendto = self._sock.sendto
        self.used = True
        try:
            started = monotonic_ns()
            wall = time_ns()
            sendto(packet, to)
            took = monotonic_ns() - started
        except OSError as e:
            text = f"{to[0]}: {e.strerror or e}"
            raise (UnreachableError(text) if e.errno in _UNREACHABLE else NotSentError(text)) from e
        return Sent(started, wall, took)

    def drain(self) -> None:
        """Read what waits. An ICMP error queued on the socket surfaces as OSError: it is counted, reading goes on."""
        recvmsg, space, on_packet = self._sock.recvmsg, self._space, self._on_packet
        for _ in range(MAX_DRAIN):
            try:
                data, ancillary, _flags, source = recvmsg(PACKET, space)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self.errors += 1
                continue
            on_packet(data, ancillary, source)

    def close(self) -> None:
        """Stop watching and close the socket; a second call does nothing."""
        if self._loop is not None and self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock)
        self._sock.close()


def _ignore(_data: bytes, _ancillary: list[tuple[int, int, bytes]], _source: tuple[Any, ...]) -> None:
    """Packets before the start are nobody's."""


def _widen(sock: socket.socket) -> None:
    """A large receive buffer: beyond the system's limit where we may, else up to it."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except OSError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


def resolve_numeric(address: str, port: int) -> Destination:
    """An IP address, with a scope if it has one, as a destination; raises ValueError for anything else."""
    try:
        found = socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError) as e:
        raise ValueError(f"{address!r} is no IP address") from e
    family, _, _, _, sockaddr = found[0]
    return Destination(str(sockaddr[0]), int(family), sockaddr)
