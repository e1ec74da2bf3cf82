"""The UDP echo's packet: 64 bytes, the same both ways, so that a forged source gains nothing from the answer.

magic "NLEP" | version 1 | kind (1 request, 2 reply) | zero (2) | token (8) | number (8) | residence ns (8) | padding
"""

import struct
from typing import Final, NamedTuple

__all__ = ["PACKET_BYTES", "EchoPacket", "decode", "reply", "request"]

PACKET_BYTES: Final = 64
_HEADER: Final = struct.Struct("!4sBBH8sQQ")
_MAGIC: Final = b"NLEP"
_VERSION: Final = 1
_REQUEST: Final = 1
_REPLY: Final = 2
_PADDING: Final = bytes(PACKET_BYTES - _HEADER.size)


class EchoPacket(NamedTuple):
    """A well-formed packet of the echo."""

    is_request: bool
    token: bytes
    number: int
    residence_ns: int


def request(token: bytes, number: int) -> bytes:
    """A probe: `token` (8 bytes) and `number` come back unchanged."""
    return _HEADER.pack(_MAGIC, _VERSION, _REQUEST, 0, token, number, 0) + _PADDING


def reply(asked: EchoPacket, residence_ns: int) -> bytes:
    """The answer, with the time that the responder held the request (ns)."""
    return _HEADER.pack(_MAGIC, _VERSION, _REPLY, 0, asked.token, asked.number, residence_ns) + _PADDING


def decode(data: bytes) -> EchoPacket | None:
    """The packet, or None if it is not exactly of this form."""
    if len(data) != PACKET_BYTES:
        return None
    magic, version, kind, zero, token, number, residence_ns = _HEADER.unpack_from(data)
    if magic != _MAGIC or version != _VERSION or zero or kind not in (_REQUEST, _REPLY):
        return None
    return EchoPacket(kind == _REQUEST, token, number, residence_ns)
