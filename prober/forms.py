"""In which form a report's body travels: JSON until a replica says that it takes more."""

import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple

from aiohttp import hdrs

from prober.compact import MEDIA_TYPE, pack
from prober.wire import Report, encode

__all__ = ["PLAIN", "Body", "Form", "body_of", "form_taken"]

COMPRESS_FROM: Final = 8 * 1024
"""Bytes from which compression pays: a whole ring shrinks by two fifths, while the report of 64 samples, which fits two
packets, would save one of them for as much work as reading it takes the extender."""

_LEVEL: Final = 1
"""Higher ones take twice to five times as long for some per cent less."""

_GZIP: Final = 16 + zlib.MAX_WBITS


class Form(NamedTuple):
    """What a replica takes beside plain JSON."""

    compact: bool = False
    gzip: bool = False


PLAIN: Final = Form()
"""What every extender takes."""


class Body(NamedTuple):
    """A request's body, what its headers say of it, and the encoding's name for the metrics."""

    content: bytes
    headers: dict[str, str]
    encoding: str


def form_taken(headers: Mapping[str, str]) -> Form:
    """What the replica that sent a reply with these headers takes."""
    return Form(
        compact=MEDIA_TYPE in _listed(headers.get(hdrs.ACCEPT, "")),
        gzip="gzip" in _listed(headers.get(hdrs.ACCEPT_ENCODING, "")),
    )


def _listed(value: str) -> set[str]:
    return {item.partition(";")[0].strip().lower() for item in value.split(",")}


def body_of(report: Report, form: Form) -> Body:
    """The report in this form, compressed where that pays."""
    content, encoding = (pack(report), "compact") if form.compact else (encode(report), "json")
    headers: dict[str, str] = {hdrs.CONTENT_TYPE: MEDIA_TYPE if form.compact else "application/json"}
    if form.gzip and len(content) >= COMPRESS_FROM:
        headers[hdrs.CONTENT_ENCODING] = "gzip"
        return Body(zlib.compress(content, _LEVEL, _GZIP), headers, f"{encoding}+gzip")
    return Body(content, headers, encoding)
