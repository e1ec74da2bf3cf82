"""Prints decisions: one in full, with every part of every node's score, or a line each."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from neilats.commands import cells, reasons, violations
from neilats.commands.tables import new_table, put

__all__ = ["decision_table", "print_decision", "print_earlier", "print_forgotten", "print_standing"]

ROWS: Final = 20
"""Nodes shown unless all are asked for."""

NAMES: Final = 8
"""Refused nodes named for each reason unless all are asked for."""

EARLIER: Final = 5

_PATH_COLUMNS: Final = ("path to", "median\nms", "last\nms", "loss", "samples", "age", "cover-\nage")
_ANALYSIS_COLUMNS: Final = ("forecast\nms", "ADF", "future")
_LEFT: Final = ("path to", "forecaster", "measured\nby")


def print_decision(out: Console, decision: Mapping[str, Any], now: float, *, everything: bool = False) -> None:
    """One decision in full."""
    out.print(f"[bold]{escape(_title(decision))}[/]  ({_when(decision, now)}, by {escape(decision['replica'])})")
    for name, text in _facts(decision):
        out.print(f"  {name:<8}{escape(text)}", soft_wrap=True)
    if rows := decision["nodes"]:
        shown = rows if everything else rows[:ROWS]
        put(out, decision_table(decision, shown))
        if len(shown) < len(rows):
            out.print(f"  … and {len(rows) - len(shown)} more nodes; --all shows them")
    for line in reasons.grouped(decision["failed"], len(decision["failed"]) if everything else NAMES):
        out.print(f"  refused {escape(line)}", soft_wrap=True)
    if decision["failed"] or not rows:
        out.print()


def print_forgotten(out: Console, standing: Mapping[str, Any]) -> None:
    """The title of a placed pod of which no decision is known, and why none is."""
    title = f"{standing['namespace']}/{standing['pod']} → {standing['node']}"
    out.print(f"[bold]{escape(title)}[/]")
    out.print("  outcome forgotten: each replica keeps its latest decisions only, until it restarts", soft_wrap=True)


def print_standing(out: Console, standing: Mapping[str, Any] | None) -> None:
    """Whether the promise is kept where the pod runs, if there is one and anybody knows."""
    if standing is not None:
        since = cells.seconds(standing["since_s"])
        text = f"{standing['state']} for {since} on {standing['node']}: {standing['reason']}"
        out.print(f"  now     {escape(text)}", soft_wrap=True)


def _title(decision: Mapping[str, Any]) -> str:
    pod = f"{decision['namespace']}/{decision['pod']}"
    return f"{pod} → {decision['node']}" if decision["node"] else pod


def _when(decision: Mapping[str, Any], now: float) -> str:
    at = datetime.fromtimestamp(decision["time"]).astimezone()
    return f"{at:%Y-%m-%d %H:%M:%S}, {cells.seconds(max(0.0, now - decision['time']))} ago"


def _facts(decision: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "asked", reasons.intent(decision)
    if set(decision["peers"]) != set(decision["intent"]["peer_nodes"]):
        yield "peers", ", ".join(decision["peers"]) or "none resolved"
    yield "outcome", reasons.verdict(decision)
    yield from zip(("why", ""), reasons.why(decision), strict=False)
    yield "bound", reasons.bound(decision)
    if decision["shadow"]:
        yield "SHADOW", "the extender runs in shadow mode: kube-scheduler got a neutral answer instead of this"


def decision_table(decision: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Table:
    """A line for each node and peer: the node's score and cost, and what they were made of."""
    known = violations.known_columns(path for row in rows for path in row["paths"])
    forecasts = (*violations.headings(known), "forecaster") if known else ()
    columns = (
        "node",
        "score",
        f"cost\n{rows[0]['unit']}",
        *_PATH_COLUMNS,
        *_ANALYSIS_COLUMNS,
        *forecasts,
        "measured\nby",
    )
    table = new_table(columns, left=_LEFT)
    for row in rows:
        mark = " ←" if row["node"] == decision["node"] else ""
        cost = cells.cost(row["cost"], row["unit"]) + cells.doubt(row)
        first = (escape(row["node"]) + mark, str(row["score"]), cost)
        for i, path in enumerate(row["paths"]):
            forecast = (*violations.values(path, known), escape(path.get("forecaster", cells.UNKNOWN))) if known else ()
            shown = (*(first if i == 0 else ("", "", "")), *_path(path), *forecast, _by(path))
            table.add_row(*shown, style="bold" if mark else "")
    return table


def _path(path: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        escape(path["peer"]),
        cells.median(path),
        cells.ms(path["last_ms"]),
        cells.fraction(path["loss"]),
        str(path["samples"]),
        cells.seconds(path["age_s"]),
        cells.fraction(path["coverage"]),
        cells.ms(path.get("forecast_ms")),
        cells.plain(path.get("adf_score")),
        cells.plain(path.get("future_score")),
    )


def _by(path: Mapping[str, Any]) -> str:
    """Whose measurement it is."""
    if path["direction"] == "estimate":
        return f"estimate {cells.likely(path)}"
    by = {"forward": "itself", "reverse": "the peer", "self": "is the peer"}
    return by.get(path["direction"], cells.UNKNOWN)


def print_earlier(out: Console, decisions: Sequence[Mapping[str, Any]], now: float) -> None:
    """Older decisions about the same pod, a line each."""
    if not decisions:
        return
    out.print(f"{len(decisions)} earlier; --all shows them in full:")
    for decision in decisions[:EARLIER]:
        out.print(f"  {_when(decision, now)}: {escape(reasons.verdict(decision))}", soft_wrap=True)
