"""The bearer token of a request, and what it says of its own end."""

import base64
import binascii
import math
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from extender.errors import Unauthenticated

__all__ = ["LONGEST", "bearer_token", "token_end"]

LONGEST: Final = 16 * 1024
"""Bytes of a token; a service account's has about one KiB."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)


class _Claims(msgspec.Struct):
    exp: float | None = None


def bearer_token(headers: Sequence[str], advice: str) -> str:
    """The token of the one Authorization header; raises Unauthenticated, whose text ends with how to get one."""
    if not headers:
        raise Unauthenticated(f"no token: expected the header `Authorization: Bearer TOKEN`; {advice}")
    if len(headers) > 1:
        raise Unauthenticated("several Authorization headers: send one")
    scheme, _, token = headers[0].partition(" ")
    token = token.strip()
    if len(token) > LONGEST:
        raise Unauthenticated(f"the token has {len(token)} bytes; at most {LONGEST} are read")
    if scheme.lower() != "bearer" or not _TOKEN.fullmatch(token):
        raise Unauthenticated(f"the Authorization header is malformed: expected `Bearer TOKEN`; {advice}")
    return token


def token_end(token: str) -> float:
    """When a token ends by its own words (its `exp` claim, seconds since 1970); infinite if it has none to read.

    Nothing is verified here: this may only shorten what the API server said.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return math.inf
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        end = msgspec.json.decode(payload, type=_Claims).exp
    except (binascii.Error, msgspec.DecodeError, ValueError, RecursionError):
        return math.inf
    return math.inf if end is None else end
