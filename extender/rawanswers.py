"""Answers as they go over the wire, with the headers that the HTTP framework writes."""

from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import SERVER_SOFTWARE

from extender.answers import Body
from extender.http import LARGE

__all__ = ["success", "written"]

_GOOD: Final = (
    b"HTTP/1.1 200 OK\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\nDate: %s\r\nServer: %s\r\n\r\n"
)
_SERVER: Final = SERVER_SOFTWARE.encode()


def success(pieces: Body, fields: bytes = b"") -> Body:
    """A JSON answer in pieces with its head, which has these fields besides; a small one as one piece."""
    length = sum(map(len, pieces))
    head = _GOOD % (fields, length, rfc822_formatted_time().encode(), _SERVER)
    return (b"".join((head, *pieces)),) if length < LARGE else (head, *pieces)


def written(response: web.Response) -> bytes:
    """A whole response as it goes over the wire."""
    body = response.body
    said = bytes(body) if isinstance(body, (bytes, bytearray)) else b""
    fields = {
        **response.headers,
        "Content-Length": str(len(said)),
        "Date": rfc822_formatted_time(),
        "Server": SERVER_SOFTWARE,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}\r\n{lines}\r\n".encode() + said
