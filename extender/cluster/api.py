"""What the watches need of an API server, and the one error that anything wrong with it becomes."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any, Final, Literal, Protocol, TypeVar

import msgspec

__all__ = ["Api", "ApiError", "Reason", "decoded", "split_lines"]

Reason = Literal["gone", "refused", "disconnected", "silent", "broken"]

T = TypeVar("T")

_MAX_LINE: Final = 64 * 2**20  # bytes; etcd stores at most a few MiB an object, so more is no event


class ApiError(Exception):
    """A request failed.

    `reason` is `gone` where the asked version or page is no longer kept (410), `refused` for other error statuses,
    `disconnected` and `silent` where no answer came or it stopped, `broken` for one that cannot be read.
    """

    def __init__(self, reason: Reason, message: str, *, status: int = 0) -> None:
        self.reason, self.status = reason, status
        super().__init__(message)

    @classmethod
    def of_status(cls, status: int, message: str) -> "ApiError":
        """The error that a status code means."""
        return cls("gone" if status == 410 else "refused", f"{status} {message}".strip(), status=status)


class Api(Protocol):
    """An API server's raw JSON; every method raises ApiError."""

    async def get(self, path: str, params: Mapping[str, str]) -> bytes:
        """The body of a GET."""

    def lines(
        self, path: str, params: Mapping[str, str], silence_s: float, opened: Callable[[], None]
    ) -> AsyncGenerator[bytes, None]:
        """The lines of a stream as they come, after a call once it is open; an error if nothing comes for so long."""

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Create an object from a JSON body; returns what was stored, or answered."""

    async def put(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Replace an object; returns what was stored."""

    async def patch(self, path: str, body: Mapping[str, Any]) -> None:
        """Merge a JSON body into an object."""

    async def delete(self, path: str, params: Mapping[str, str]) -> None:
        """Delete an object, with options such as gracePeriodSeconds."""

    async def close(self) -> None:
        """Close the connections."""


def decoded(decode: Callable[[bytes | msgspec.Raw], T], body: bytes | msgspec.Raw) -> T:
    """What a msgspec decoder makes of an answer; raises ApiError, whatever is wrong with the answer."""
    try:
        return decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:  # also no UTF-8, and nested too deep
        raise ApiError("broken", f"no valid answer: {e}") from e


async def split_lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The lines in a stream of chunks, however they are cut; an unfinished last line is dropped."""
    rest = bytearray()
    async for chunk in chunks:
        *ended, last = chunk.split(b"\n")
        for end in ended:
            rest += end
            if rest:
                yield bytes(rest)
            rest.clear()
        rest += last
        if len(rest) > _MAX_LINE:
            raise ApiError("broken", f"a line is longer than {_MAX_LINE} bytes")
