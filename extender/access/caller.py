"""What a request says of who sends it, whichever way it was read."""

from collections.abc import Sequence
from typing import NamedTuple

from aiohttp import hdrs, web

__all__ = ["Caller", "caller_of"]


class Caller(NamedTuple):
    """The address that a request comes from, and its Authorization headers."""

    address: str
    authorizations: Sequence[str] = ()


def caller_of(request: web.Request) -> Caller:
    """Who sends a request that the HTTP framework read."""
    return Caller(request.remote or "", request.headers.getall(hdrs.AUTHORIZATION, ()))
