"""`neilats score`: every node by its path to one node, also before any pod asks."""

from typing import TYPE_CHECKING, Any

import click

from neilats.commands import cells, violations
from neilats.commands.access import Access, access_options
from neilats.commands.asking import as_json_option, console, print_json, run, urls_option

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["command", "headline", "score_table"]

EPILOG = """\b
Examples:
  neilats score gateway --sla-ms 20           which node keeps 20 ms to `gateway`
  neilats score gateway                       which node is nearest
  neilats score db-1 --node a --node b --json
"""


@click.command("score", epilog=EPILOG)
@click.argument("peer")
@click.option(
    "--sla-ms",
    metavar="MS",
    type=click.FloatRange(0, 1e9, min_open=True),
    help="The round trip to keep; none: nearest.",
)
@click.option("--profile", metavar="NAME", help="Scoring profile; the extender's default if not given.")
@click.option("-n", "--node", "nodes", metavar="NAME", multiple=True, help="Only these nodes; repeatable.")
@urls_option()
@access_options
@as_json_option
def command(
    peer: str,
    sla_ms: float | None,
    profile: str | None,
    nodes: tuple[str, ...],
    url: str,
    access: Access,
    as_json: bool,
) -> None:
    """Score every node by its path to the node PEER, as kube-scheduler would hear it for a pod that asks for that.

    It is also the what-if for a pod that does not exist yet.
    """
    from neilats.commands.client import ask
    from neilats.commands.errors import ClientError

    body = {"peer": peer, "sla_ms": sla_ms, "profile": profile, "nodes": list(nodes) or None}
    try:
        answer = run(ask(url, "/v1/scores", body, access=access))
    except ClientError as e:
        from neilats.commands.trouble import trouble

        raise trouble(url, e) from e
    if as_json:
        print_json(answer)
        return
    from neilats.commands.tables import put

    out = console()
    out.print(headline(answer), markup=False, soft_wrap=True)
    put(out, score_table(answer))
    out.print(_legend(answer), style="dim", soft_wrap=True)


def headline(answer: dict[str, Any]) -> str:
    """The result in a sentence or two."""
    peer, sla_ms = answer["peer"], answer["sla_ms"]
    rows = {name: row for name, row in answer["nodes"].items() if name != peer}
    known = {name: row for name, row in rows.items() if row["status"] != "unknown"}
    if not rows:
        return f"There is no other node than {peer}."
    if not known:
        return f"No path to {peer} is measured yet, so no node is better than another. Do the probers run?"
    best, *rest = known
    first = known[best]
    near = f"within {sla_ms:g} ms of {peer}" if sla_ms is not None else f"nearest to {peer}"
    if rest and known[rest[-1]]["score"] == first["score"]:
        kind = "estimated" if all(row["status"] == "estimated" for row in known.values()) else "measured"
        if kind == "measured" and any(row["status"] == "estimated" for row in known.values()):
            kind = "measured and estimated"
        return f"No node is clearly {near}: all {len(known)} {kind} ones score {first['score']}."
    verb = "is the best choice to stay" if sla_ms is not None else "is"
    ahead = f"; {rest[0]} is next ({cells.expected(known[rest[0]], sla_ms)})" if rest else ""
    return f"{best} {verb} {near}: {cells.expected(first, sla_ms)}{ahead}."


def score_table(answer: dict[str, Any]) -> "Table":
    """Every part of every node's score, best first."""
    from neilats.commands.tables import new_table

    unit, sla_ms = answer["unit"], answer["sla_ms"]
    future = ("future",) if sla_ms is not None else ()
    known = violations.known_columns(answer["nodes"].values())
    numbers = (
        "score",
        f"cost\n{unit}",
        "median\nms",
        "last\nms",
        "loss",
        "age",
        "cover-\nage",
        "ADF",
        *future,
        *violations.headings(known),
    )
    words = ("forecaster", "measured\nby")
    table = new_table(("node", *numbers, *words), left=words)
    for name, row in answer["nodes"].items():
        parts = _parts(row) if sla_ms is None else (*_parts(row), cells.plain(row.get("future_score")))
        style = "bold" if row["score"] == 10 else "dim" if row["status"] == "unknown" else ""
        parts = (*parts, *violations.values(row, known))
        table.add_row(name, *parts, row.get("forecaster", cells.UNKNOWN), _by(answer, row), style=style)
    return table


def _parts(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(row["score"]),
        cells.cost(row["cost"], row["unit"]) + cells.doubt(row),
        cells.median(row),
        cells.ms(row["last_ms"]),
        cells.fraction(row["loss"]),
        cells.seconds(row["age_s"]),
        cells.fraction(row["coverage"]),
        cells.plain(row.get("adf_score")),
    )


def _by(answer: dict[str, Any], row: dict[str, Any]) -> str:
    """Whose measurement it is."""
    if row["direction"] == "estimate":
        return f"estimate {cells.likely(row)}"
    return {"forward": "itself", "reverse": str(answer["peer"]), "self": "is the peer"}.get(
        row["direction"], cells.UNKNOWN
    )


def _legend(answer: dict[str, Any]) -> str:
    parts = [f"profile {answer['profile']}; scores 0..10, 10 is best"]
    statuses = {row["status"] for row in answer["nodes"].values()}
    if "estimated" in statuses:
        parts.append(cells.ESTIMATED)
    if statuses - {"known", "estimated"}:
        parts.append("?: unmeasured or fewer than 5 samples, so a stand-in")
    if violations.known_columns(answer["nodes"].values()):
        parts.append(violations.LEGEND)
    return "; ".join(parts)
