"""Opens the sockets that a probe mode asks for, and falls from datagram to raw ICMP where the system refuses."""

import errno
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Final, TypeVar

from icmplib import SocketAddressError, SocketPermissionError
from icmplib.exceptions import ICMPSocketError

from neilats.log import get_logger
from prober.ping.base import Pinger, SocketsRefusedError
from prober.ping.channel import Channel, resolve_numeric
from prober.ping.icmp import IcmpChannel, IcmpPinger
from prober.ping.responder import DelayFunction, Responder
from prober.ping.udp import UdpPinger

__all__ = ["open_pinger"]

log = get_logger("prober")

T = TypeVar("T")

_LOOPBACK: Final = {int(socket.AF_INET): "127.0.0.1", int(socket.AF_INET6): "::1"}
_ANY: Final = {int(socket.AF_INET): "0.0.0.0", int(socket.AF_INET6): "::"}
_NO_FAMILY: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})
_PORT_TRIES: Final = 16

_REMEDIES: Final = (
    "let the group use datagram ICMP (sysctl net.ipv4.ping_group_range='0 2147483647'; containerd 2.0 sets it for pods "
    "with their own network), or add the capability NET_RAW for raw sockets, or set probe_mode=udp on every prober"
)


def open_pinger(
    mode: str, *, bind: Sequence[str] = (), udp_port: int = 0, delay: DelayFunction | None = None
) -> Pinger:
    """Open the sockets of `mode` (auto, dgram, raw or udp), bound to these source addresses if there are any.

    Raises SocketsRefusedError with the remedies, or OSError when the UDP echo's port is taken.
    """
    binds = {found.family: found.address for found in (resolve_numeric(b, 0) for b in bind)}
    families = list(binds) or list(_LOOPBACK)
    if mode == "udp":
        return _open_udp(families, binds, udp_port, delay)
    if mode == "raw":
        return _open_icmp(families, binds, raw=True)
    try:
        return _open_icmp(families, binds, raw=False)
    except SocketsRefusedError as e:
        if mode == "dgram":
            raise
        log.info("datagram ICMP refused, trying raw sockets", extra={"reason": str(e).partition(":")[0]})
    return _open_icmp(families, binds, raw=True)


def _open_icmp(families: Sequence[int], binds: dict[int, str], *, raw: bool) -> IcmpPinger:
    identity, token = secrets.randbelow(0xFFFF) + 1, secrets.token_bytes(8)

    def open_one(family: int) -> IcmpChannel:
        return IcmpChannel(family, raw=raw, bind=binds.get(family), identity=identity, token=token)

    channels: dict[int, IcmpChannel] = {}
    try:
        for family, channel in _each(families, open_one):
            channels[family] = channel
    except (SocketPermissionError, PermissionError) as e:
        for channel in channels.values():
            channel.close()
        kind = "raw" if raw else "datagram"
        raise SocketsRefusedError(f"{kind} ICMP sockets are not permitted: {_REMEDIES}") from e
    return IcmpPinger(channels, raw=raw, control_address=_control_address(channels, binds))


def _open_udp(families: Sequence[int], binds: dict[int, str], port: int, delay: DelayFunction | None) -> UdpPinger:
    token = secrets.token_bytes(8)
    with ExitStack() as opened:

        def open_one(family: int, at_port: int = 0) -> Channel:
            channel = Channel(_udp_socket(family, binds.get(family) or _ANY[family], at_port))
            opened.callback(channel.close)
            return channel

        serving = _open_serving(families, open_one, port)
        channels = dict(_each(list(serving), open_one))
        pinger = UdpPinger(
            channels,
            Responder(list(serving.values()), delay=delay, exempt=token),
            token=token,
            default_port=port,
            control_address=_control_address(serving, binds),
        )
        opened.pop_all()
    return pinger


def _open_serving(families: Sequence[int], open_one: Callable[[int, int], Channel], port: int) -> dict[int, Channel]:
    """The responder's sockets, on one port in every family; port 0 asks for any that is free in all of them."""
    for last in range(_PORT_TRIES):
        chosen = port
        found: dict[int, Channel] = {}
        try:
            for family, channel in _each(families, lambda f: open_one(f, chosen)):  # noqa: B023 - used at once
                found[family] = channel
                chosen = int(channel.name[1])
            return found
        except OSError as e:
            for channel in found.values():
                channel.close()
            if port or e.errno != errno.EADDRINUSE or last == _PORT_TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _each(families: Sequence[int], open_one: Callable[[int], T]) -> Iterator[tuple[int, T]]:
    """What each family opens; a family that this host lacks is left out, unless none is left."""
    opened = 0
    reason: Exception | None = None
    for family in families:
        try:
            found = open_one(family)
        except (SocketAddressError, ICMPSocketError, OSError) as e:
            if not _lacks_family(e):
                raise
            reason = e
            continue
        opened += 1
        yield family, found
    if not opened:
        raise SocketsRefusedError(f"no address family can be opened: {reason}") from reason


def _lacks_family(e: Exception) -> bool:
    if isinstance(e, SocketPermissionError):
        return False
    return not isinstance(e, OSError) or e.errno in _NO_FAMILY


def _control_address(channels: dict[int, T], binds: dict[int, str]) -> str:
    family = next(iter(channels))
    return binds.get(family) or _LOOPBACK[family]


def _udp_socket(family: int, address: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
    except OSError as e:
        sock.close()
        raise OSError(e.errno, f"UDP {address} port {port}: {e.strerror}") from e
    return sock
