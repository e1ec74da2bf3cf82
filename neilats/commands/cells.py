"""Numbers of the extender's JSON as people read them: `null` is unknown and shown as a dash, "inf" is a loss."""

from collections.abc import Mapping
from typing import Any, Final

__all__ = [
    "ESTIMATED",
    "UNKNOWN",
    "cost",
    "doubt",
    "expected",
    "fraction",
    "likely",
    "median",
    "ms",
    "plain",
    "seconds",
]

ESTIMATED: Final = "~: not measured, estimated from what others measured; a..b: four of five such paths lie between"

UNKNOWN: Final = "–"  # noqa: RUF001 - a dash that is not a minus


def ms(value: Any) -> str:
    """Milliseconds with as many digits as matter, without the unit."""
    if value is None:
        return UNKNOWN
    if value == "inf":
        return "lost"
    number = float(value)
    return f"{number:.0f}" if number >= 100 else f"{number:.1f}" if number >= 1 else f"{number:.2f}"


def fraction(value: Any) -> str:
    """A fraction of 1 as a percentage; what is not nothing is not shown as nothing."""
    if value is None:
        return UNKNOWN
    number = float(value)
    return "<1 %" if 0 < number < 0.01 else f"{100 * number:.0f} %"


def seconds(value: Any) -> str:
    """An age."""
    if value in (None, "inf"):
        return UNKNOWN
    number = float(value)
    return f"{number:.1f} s" if number < 10 else f"{number:.0f} s" if number < 600 else f"{number / 60:.0f} min"


def plain(value: Any, digits: int = 2) -> str:
    """A number without a unit."""
    if value is None:
        return UNKNOWN
    if value in ("inf", "-inf"):
        return "∞" if value == "inf" else "-∞"
    number = float(value)
    return f"{number:.{digits}f}" if abs(number) < 1000 else f"{number:.1e}"


def cost(value: Any, unit: str) -> str:
    """A cost in its unit."""
    if value == "inf":
        return "lost" if unit == "ms" else "∞"
    return {"violation": fraction, "ms": ms}.get(unit, plain)(value)


def median(path: Mapping[str, Any]) -> str:
    """A path's median round trip in ms; an estimate is marked."""
    return f"~{ms(path['estimate_ms'])}" if path["direction"] == "estimate" else ms(path["median_ms"])


def likely(path: Mapping[str, Any]) -> str:
    """Where four of five round trips with such an estimate lie, in ms."""
    return f"{ms(path['estimate_low_ms'])}..{ms(path['estimate_high_ms'])}"


def doubt(row: Mapping[str, Any]) -> str:
    """The mark of a cost that does not rest on enough measurements."""
    return {"known": "", "estimated": " ~"}.get(row["status"], " ?")


def expected(row: dict[str, Any], sla_ms: float | None) -> str:
    """What a node's cost means, in words."""
    if row["status"] == "unknown":
        return "unmeasured"
    shown = cost(row["cost"], row["unit"])
    estimated = ", by an estimate" if row["status"] == "estimated" else ""
    if row["unit"] == "violation":
        return f"{shown} of the time expected " + ("too slow" if sla_ms is None else f"above {sla_ms:g} ms") + estimated
    if row["unit"] == "ms":
        return "all lost" if shown == "lost" else f"{shown} ms expected{estimated}"
    return f"cost {shown}"
