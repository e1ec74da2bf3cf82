"""A connection of the lane on which a prober reports."""

import asyncio
import zlib
from typing import Final

from extender.access.caller import Caller
from extender.calls import Door
from extender.heads import Head
from extender.http import LARGE
from extender.incoming import ElsewhereError
from extender.laneconnection import Connection
from extender.rawanswers import success

__all__ = ["MOST", "ReportConnection"]

MOST: Final = LARGE
"""Bytes of a body, as it travels and decompressed, that the lane reads: several times what our prober sends. With more
the framework reads piece by piece, and stops where nobody waits for them."""

_GZIP: Final = 16 + zlib.MAX_WBITS


class _Report:
    """A report whose body may still be on its way."""

    __slots__ = ("_body", "_coming", "_error", "caller", "compressed", "head", "kind", "length")

    def __init__(self, address: str, head: Head, body: bytes | None) -> None:
        authorization = head.fields.get(b"Authorization")
        self.caller = Caller(address, () if authorization is None else (authorization.decode(),))
        self.head, self.length, self.kind = head, head.length, head.fields[b"Content-Type"].decode()
        self.compressed = b"Content-Encoding" in head.fields
        self._body = body
        self._error: Exception | None = None
        self._coming: asyncio.Future[None] | None = None

    def came(self, body: bytes) -> None:
        """The body is whole."""
        self._body = body
        self._go_on()

    def broke_off(self, error: Exception) -> None:
        """The body will never be whole."""
        self._error = error
        self._go_on()

    def _go_on(self) -> None:
        if self._coming is not None and not self._coming.done():
            self._coming.set_result(None)

    async def body(self, most: int) -> bytes:
        """The body, decompressed; raises ElsewhereError unless it is one gzip member of a usual size."""
        if self._body is None and self._error is None:
            self._coming = asyncio.get_running_loop().create_future()
            await self._coming
        if self._error is not None:
            raise self._error
        body = self._body or b""
        return _unpacked(body, min(most, MOST)) if self.compressed else body

    @property
    def raw(self) -> bytes:
        """All of it as it came."""
        return self.head.raw + (self._body or b"")


class ReportConnection(Connection[Door]):
    """A report's head is judged at once, while its body may still be on its way."""

    __slots__ = ("_report",)

    _report: _Report | None

    def _asked(self, call: Door, head: Head, body: bytes | None) -> None:
        self._report = _Report(self._remote or "", head, body)
        self._task = self._loop.create_task(self._wait(call, self._report))

    def _came(self, call: Door, body: bytes | memoryview) -> None:
        if self._report is not None:
            self._report.came(bytes(body))

    def _broke_off(self, call: Door, error: Exception) -> None:
        if self._report is not None:
            self._report.broke_off(error)

    async def _wait(self, call: Door, report: _Report) -> None:
        try:
            reply = await call.take(report)
        except ElsewhereError:
            self._loop.call_soon(self._leave, report)
        except ConnectionResetError:  # nobody is there to be answered
            self._transport.close()
        except Exception as e:
            self._fail(call, e)
        else:
            self._write(call, success((reply,), call.fields))
        finally:
            self._task = self._report = None
            if self._lost:
                self._lane.left(self)

    def _leave(self, report: _Report) -> None:
        """The framework reads this one anew, and all that follow."""
        if self._lane.closing or self._lost:
            self._transport.close()
            return
        data, self._rest = report.raw + self._rest, b""
        self._transport.resume_reading()
        self._hand_over(data)


def _unpacked(body: bytes, most: int) -> bytes:
    """What one gzip member holds; raises ElsewhereError where it is not just that, or more than so many bytes."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(body, most)
    except zlib.error:
        raise ElsewhereError from None
    if not unpacker.eof or unpacker.unused_data:
        raise ElsewhereError
    return plain
