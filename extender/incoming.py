"""A report on its way in, as the two ways that read requests have it."""

from typing import Protocol

from aiohttp import hdrs, web

from extender.access.caller import Caller, caller_of
from extender.http import bounded_body
from prober.compact import MEDIA_TYPE

__all__ = ["ElsewhereError", "Incoming", "Requested"]


class ElsewhereError(Exception):
    """This one is read, answered and counted by the other way after all."""


class Incoming(Protocol):
    """What its head says; the body comes later, and only to who waits for it."""

    @property
    def caller(self) -> Caller:
        """Who sends it."""

    @property
    def kind(self) -> str:
        """Its media type."""

    @property
    def compressed(self) -> bool:
        """Whether the body travels in another encoding."""

    @property
    def length(self) -> int | None:
        """Bytes of the body as it travels, where it was said."""

    async def body(self, most: int) -> bytes:
        """The body, decompressed, of at most so many bytes; raises RequestError, or ElsewhereError."""


class Requested:
    """A report that the HTTP framework reads."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.caller, self.kind, self.length = caller_of(request), request.content_type, request.content_length
        self.compressed = hdrs.CONTENT_ENCODING in request.headers

    async def body(self, most: int) -> bytes:
        """The body, decompressed; raises RequestError."""
        return await bounded_body(self._request, most, also=MEDIA_TYPE)
