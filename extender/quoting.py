"""Texts of strangers in messages that kube-scheduler repeats for every node: each one short, and only a few."""

from collections.abc import Sequence
from typing import Final

__all__ = ["first_few", "quoted", "shortened"]

_MAX_QUOTED: Final = 40
_MAX_LINE: Final = 200
_MAX_LINES: Final = 5


def shortened(text: str, most: int = _MAX_QUOTED) -> str:
    """The text, or its beginning where it is longer than so many characters."""
    return text if len(text) <= most else f"{text[:most]}..."


def quoted(text: str) -> str:
    """The text in quotes, at most the first few words of it."""
    return repr(shortened(text))


def first_few(lines: Sequence[str]) -> tuple[str, ...]:
    """The first few lines, none of them long, and how many more there are."""
    few = tuple(shortened(line, _MAX_LINE) for line in lines[:_MAX_LINES])
    more = len(lines) - len(few)
    return (*few, f"and {more} more") if more else few
