"""Columns about forecast violations, where a model makes any: both forecasts, and how wrong each has been.

A model's number and the naive one share a column, because a terminal is narrow.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from neilats.commands import cells

__all__ = ["LEGEND", "headings", "known_columns", "values"]

LEGEND: Final = (
    "too slow: forecast share of the time above the SLA, by the model / by the past; Brier: mean squared error of such "
    "forecasts so far, the better one counts"
)


def _percent(value: Any) -> str:
    return cells.UNKNOWN if value is None else f"{100 * float(value):.0f}"


def _error(value: Any) -> str:
    return cells.UNKNOWN if value is None else f"{float(value):.2f}".removeprefix("0")


_COLUMNS: Final[Mapping[str, tuple[str, Callable[[Any], str]]]] = {
    "violation": ("too slow\n%", _percent),
    "brier": ("Brier\n", _error),
}
"""Beginning of a path's fields → the heading, and how a value is shown."""


def known_columns(paths: Iterable[Mapping[str, Any]]) -> list[str]:
    """The columns in which at least one path has a number of the model's."""
    rows = list(paths)
    return [name for name in _COLUMNS if any(row.get(f"{name}_model") is not None for row in rows)]


def headings(columns: Iterable[str]) -> tuple[str, ...]:
    """Their headings."""
    return tuple(_COLUMNS[name][0] for name in columns)


def values(path: Mapping[str, Any], columns: Iterable[str]) -> tuple[str, ...]:
    """A path's cells in these columns: the model's number / the naive one."""
    shown = ((_COLUMNS[name][1], path.get(f"{name}_model"), path.get(f"{name}_naive")) for name in columns)
    return tuple(f"{show(model)}/{show(naive)}" for show, model, naive in shown)
