"""A minimal HTTP/1.1 client on one kept-alive socket, so that the client's own time hardly counts in a call's.

The time of a call is that from before the first byte is sent until the last byte of the answer has come; nothing is
subtracted from it. Bodies are put together after the clock has stopped.
"""

import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from bench.timing import BenchError

__all__ = ["Answer", "Connection", "request"]

TIMEOUT_S = 60.0
BUFFER_BYTES = 1 << 16
HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """What came back, and after how many milliseconds."""

    status: int
    body: bytes
    ms: float


def request(path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a POST of JSON, or of a GET where there is no body, with the headers that Go's client sends."""
    lines = {"Host": "127.0.0.1", "User-Agent": "Go-http-client/1.1"}
    if body is not None:
        lines |= {"Content-Length": str(len(body)), "Content-Type": "application/json"}
    head = "".join(f"{name}: {value}\r\n" for name, value in (lines | dict(headers or {})).items())
    return f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\n{head}\r\n".encode() + (body or b"")


class Connection:
    """One connection to `host:port`. Use as a context manager. Raises OSError, and BenchError of what is no HTTP."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._address = address
        self._socket = socket.create_connection((host.strip("[]"), int(port)), timeout=TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(BUFFER_BYTES)
        self._filled = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def call(self, message: bytes) -> Answer:
        """Send a request and take its answer, whatever its status."""
        self._filled = 0
        began = time.perf_counter()
        self._socket.sendall(message)
        status, pieces = self._receive()
        ms = (time.perf_counter() - began) * 1000
        view = memoryview(self._buffer)
        return Answer(status, b"".join(view[begin:end] for begin, end in pieces), ms)

    def _receive(self) -> tuple[int, list[tuple[int, int]]]:
        """The status, and where in the buffer the pieces of the body are."""
        head_end = self._find(HEAD_END, 0)
        head = bytes(self._buffer[:head_end]).lower()
        begin = head_end + len(HEAD_END)
        if (found := re.search(rb"\r\ncontent-length:\s*(\d+)", head)) is not None:
            end = begin + int(found[1])
            self._fill(end)
            pieces = [(begin, end)]
        elif re.search(rb"\r\ntransfer-encoding:\s*chunked", head):
            pieces, end = self._chunks(begin)
        else:
            raise BenchError(f"{self._address}: neither Content-Length nor chunks in {head[:300]!r}")
        if end != self._filled:
            raise BenchError(f"{self._address}: {self._filled - end} bytes came behind the answer")
        return int(head[9:12]), pieces

    def _chunks(self, begin: int) -> tuple[list[tuple[int, int]], int]:
        """Where the chunks are, and where the last one ends; trailers are not expected here."""
        pieces: list[tuple[int, int]] = []
        while True:
            line_end = self._find(b"\r\n", begin)
            size = int(bytes(self._buffer[begin:line_end]).split(b";")[0], 16)
            first = line_end + 2
            begin = first + size + 2
            self._fill(begin)
            if not size:
                return pieces, begin
            pieces.append((first, first + size))

    def _find(self, mark: bytes, begin: int) -> int:
        """Where the mark is, receiving until it is there."""
        while (at := self._buffer.find(mark, begin, self._filled)) < 0:
            self._more()
        return at

    def _fill(self, end: int) -> None:
        """Receive until so many bytes are there."""
        if end > len(self._buffer):
            self._buffer.extend(bytes(end - len(self._buffer)))
        while self._filled < end:
            self._more()

    def _more(self) -> None:
        if self._filled == len(self._buffer):
            self._buffer.extend(bytes(len(self._buffer)))
        with memoryview(self._buffer) as view:
            count = self._socket.recv_into(view[self._filled :])
        if not count:
            raise BenchError(f"{self._address} closed the connection in the middle of an answer")
        self._filled += count
