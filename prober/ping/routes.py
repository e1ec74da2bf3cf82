"""Which of this host's addresses would talk to another one; asks the routing table and sends nothing."""

import socket

from prober.ping.channel import resolve_numeric

__all__ = ["source_towards"]


def source_towards(address: str) -> str | None:
    """The source address that packets to this IP address would carry, or None without a route."""
    try:
        to = resolve_numeric(address, 9)
        with socket.socket(to.family, socket.SOCK_DGRAM) as sock:
            sock.connect(to.sockaddr)
            return str(sock.getsockname()[0])
    except (OSError, ValueError):
        return None
