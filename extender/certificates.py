"""When a certificate ends. The standard library reads that from certificates of peers only, not from a file."""

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

__all__ = ["not_after"]

_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----\s(.+?)-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _UTC_TIME, _GENERALIZED_TIME = 0xA0, 0x17, 0x18  # DER tags
_LONG: Final = 0x80


def not_after(pem: bytes) -> float:
    """The end of the first certificate in a PEM file, seconds since 1970; raises ValueError where none can be read."""
    found = _PEM.search(pem)
    if found is None:
        raise ValueError("no certificate in PEM")
    try:
        certificate = next(_elements(base64.b64decode(found[1])))[1]
        fields = list(_elements(next(_elements(certificate))[1]))
        # [version], serial number, signature algorithm, issuer, validity (from, until), ...
        validity = fields[4 if fields[0][0] == _VERSION else 3][1]
        _, until = _elements(validity)
        return _time(*until)
    except (ValueError, IndexError, StopIteration) as e:
        raise ValueError(f"a certificate that cannot be read: {e}") from e


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, content) of the elements of a DER sequence."""
    at = 0
    while at < len(der):
        tag, size, at = der[at], der[at + 1], at + 2
        if size & _LONG:
            digits = size & ~_LONG
            size, at = int.from_bytes(der[at : at + digits], "big"), at + digits
        if at + size > len(der):
            raise ValueError("it is cut off")
        yield tag, der[at : at + size]
        at += size


def _time(tag: int, content: bytes) -> float:
    text = content.decode("ascii")
    if tag == _UTC_TIME:  # two digits of a year: 1950 to 2049
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError(f"tag {tag:#x} is no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
