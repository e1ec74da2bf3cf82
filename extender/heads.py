"""The heads of kube-scheduler's calls, in exactly the form in which Go's client writes them.

Whatever is written otherwise is no head here, although it may be good HTTP: it is left to a full parser. So nothing
here can be read in two ways: a few known header fields, each once, of printable ASCII, none of which changes how the
message is framed except one Content-Length of plain digits.
"""

import re
from typing import Final, NamedTuple

from extender.calls import PREFIX

__all__ = ["MOST", "Head", "may_become_head", "read_head"]

MOST: Final = 4096
"""Bytes of the longest head; Go's have about 200."""

_END: Final = b"\r\n\r\n"
_START: Final = b"POST " + PREFIX.encode()
_request_line: Final = re.compile(rb"POST (%s[a-z]+) HTTP/1\.1" % re.escape(PREFIX.encode()))
_field: Final = re.compile(
    rb"(Host|User-Agent|Accept|Accept-Encoding|Content-Type|Content-Length): ([!-~](?:[ -~]*[!-~])?)"
)
_length: Final = re.compile(rb"0|[1-9][0-9]{0,11}")
_begun_line: Final = re.compile(rb"[ -~]*\r?")


class Head(NamedTuple):
    """A POST of JSON: where to, how many bytes the body has, and where it begins."""

    target: bytes
    length: int
    end: int


def read_head(data: bytes) -> Head | None:
    """The head that the data begins with; None where it is not whole or not of this form."""
    end = data.find(_END, 0, MOST)
    if end < 0 or not data.startswith(_START):
        return None
    first, *lines = data[:end].split(b"\r\n")
    request, fields = _request_line.fullmatch(first), _fields(lines)
    if request is None or fields is None or b"Host" not in fields:
        return None
    length = _length.fullmatch(fields.get(b"Content-Length", b""))
    if length is None or fields.get(b"Content-Type") != b"application/json":
        return None
    return Head(request[1], int(length[0]), end + len(_END))


def may_become_head(data: bytes) -> bool:
    """Whether more bytes can make a head of these, which are none yet."""
    if len(data) >= MOST or _END in data:
        return False
    if not data.startswith(_START):
        return _START.startswith(data)
    first, *lines = data.split(b"\r\n")
    if not lines:
        return _begun_line.fullmatch(first) is not None
    last = lines.pop()
    whole = _request_line.fullmatch(first) is not None and _fields(lines) is not None
    return whole and _begun_line.fullmatch(last) is not None


def _fields(lines: list[bytes]) -> dict[bytes, bytes] | None:
    """The header fields by name; None where one is unknown or comes twice."""
    found: dict[bytes, bytes] = {}
    for line in lines:
        field = _field.fullmatch(line)
        if field is None or field[1] in found:
            return None
        found[field[1]] = field[2]
    return found
