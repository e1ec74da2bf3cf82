"""The heads of requests in exactly the form in which their client writes them: kube-scheduler's, or our prober's.

Whatever is written otherwise is no head here, although it may be good HTTP: it is left to a full parser. So nothing
here can be read in two ways: a few known header fields, each once, of printable ASCII, none of which changes how the
message is framed except one Content-Length of plain digits.
"""

import re
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from extender.calls import PREFIX, REPORT
from prober.compact import MEDIA_TYPE

__all__ = ["CALLS", "MOST", "REPORTS", "Form", "Head"]

MOST: Final = 4096
"""Bytes of the longest head; Go's have about 200, and our prober's 250 and a token."""

_END: Final = b"\r\n\r\n"
_COMMON: Final = ("Host", "User-Agent", "Accept", "Accept-Encoding", "Content-Type", "Content-Length")
_JSON: Final = "application/json"
_GZIP: Final = b"gzip"
_length: Final = re.compile(rb"0|[1-9][0-9]{0,11}")
_begun_line: Final = re.compile(rb"[ -~]*\r?")


class Head(NamedTuple):
    """A POST: where to, how many bytes the body has, the header fields by name; and all of it as it came."""

    target: bytes
    length: int
    fields: Mapping[bytes, bytes]
    raw: bytes


class Form:
    """POSTs to `path` and what follows it (a regular expression) of these media types; `also` are fields besides."""

    def __init__(self, path: str, more: str, kinds: Collection[str], also: Collection[str] = ()) -> None:
        self._start = f"POST {path}".encode()
        self._request = re.compile(rf"POST ({re.escape(path)}{more}) HTTP/1\.1".encode())
        self._field = re.compile(rf"({'|'.join((*_COMMON, *also))}): ([!-~](?:[ -~]*[!-~])?)".encode())
        self._kinds = {kind.encode() for kind in kinds}

    def read(self, data: bytes) -> Head | None:
        """The head that the data begins with; None where it is not whole or not of this form."""
        end = data.find(_END, 0, MOST)
        if end < 0 or not data.startswith(self._start):
            return None
        first, *lines = data[:end].split(b"\r\n")
        request, fields = self._request.fullmatch(first), self._fields(lines)
        if request is None or fields is None or b"Host" not in fields:
            return None
        length = _length.fullmatch(fields.get(b"Content-Length", b""))
        if length is None or fields.get(b"Content-Type") not in self._kinds:
            return None
        if fields.get(b"Content-Encoding", _GZIP) != _GZIP:
            return None
        return Head(request[1], int(length[0]), fields, data[: end + len(_END)])

    def may_begin(self, data: bytes) -> bool:
        """Whether more bytes can make a head of these, which are none yet."""
        if len(data) >= MOST or _END in data:
            return False
        if not data.startswith(self._start):
            return self._start.startswith(data)
        first, *lines = data.split(b"\r\n")
        if not lines:
            return _begun_line.fullmatch(first) is not None
        last = lines.pop()
        whole = self._request.fullmatch(first) is not None and self._fields(lines) is not None
        return whole and _begun_line.fullmatch(last) is not None

    def _fields(self, lines: list[bytes]) -> dict[bytes, bytes] | None:
        """The header fields by name; None where one is unknown or comes twice."""
        found: dict[bytes, bytes] = {}
        for line in lines:
            field = self._field.fullmatch(line)
            if field is None or field[1] in found:
                return None
            found[field[1]] = field[2]
        return found


CALLS: Final = Form(PREFIX, "[a-z]+", (_JSON,))
REPORTS: Final = Form(REPORT, "", (_JSON, MEDIA_TYPE), ("Authorization", "Content-Encoding"))
