"""`neilats matrix`: the measured round trips between all nodes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import click

from neilats.commands import cells
from neilats.commands.access import Access, access_options
from neilats.commands.asking import as_json_option, console, print_json, run, urls_option

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["command", "matrix_table"]


@click.command("matrix", epilog="\b\nExamples:\n  neilats matrix --last\n  neilats matrix --to gateway --estimates\n")
@click.option("--last", is_flag=True, help="The last samples instead of the medians.")
@click.option("--estimates", is_flag=True, help="Also what is estimated of the paths that nobody measured, marked ~.")
@click.option("--from", "source", metavar="NODE", help="Only the paths that this node measures.")
@click.option("--to", "target", metavar="NODE", help="Only the paths to this node.")
@urls_option()
@access_options
@as_json_option
def command(
    last: bool, estimates: bool, source: str | None, target: str | None, url: str, access: Access, as_json: bool
) -> None:
    """Show the measured round trips in ms, from the node of each line to that of each column.

    In a large cluster a node measures only some others: name one with --from or --to to see its paths alone.
    """
    from neilats.commands.client import ask
    from neilats.commands.errors import ClientError

    try:
        answer = run(ask(url, _path(source, target, estimates), access=access))
    except ClientError as e:
        from neilats.commands.trouble import trouble

        raise trouble(url, e) from e
    if as_json:
        print_json(answer)
        return
    paths, nodes = answer["paths"], answer["nodes"]
    estimated = answer.get("estimates", ())
    sources, targets = nodes, nodes
    if source or target:
        froms, tos = ({p[end] for p in [*paths, *estimated]} for end in ("source", "target"))
        sources, targets = [n for n in nodes if n in froms], [n for n in nodes if n in tos]
    measured = sum(p["samples"] > 0 for p in paths)
    from neilats.commands.tables import put

    out = console()
    out.print(f"{'Last' if last else 'Median'} round trips in ms; {measured} paths measured.")
    field = "last_ms" if last else "median_ms"
    put(out, matrix_table(sources, paths, field, columns=targets, estimates=estimated))
    if estimated:
        out.print(cells.ESTIMATED, style="dim", markup=False, soft_wrap=True)


def _path(source: str | None, target: str | None, estimates: bool) -> str:
    asked = {name: node for name, node in (("source", source), ("target", target)) if node}
    asked |= {"estimates": "true"} if estimates else {}
    return "/v1/matrix" + (f"?{urlencode(asked)}" if asked else "")


def matrix_table(
    nodes: Sequence[str],
    paths: Sequence[Mapping[str, Any]],
    field: str,
    title: str = "",
    columns: Sequence[str] | None = None,
    estimates: Sequence[Mapping[str, Any]] = (),
) -> "Table":
    """One line a source, one column a target, the same ones if not given.

    Unmeasured is a dash or an estimate with its span, lost says so.
    """
    from neilats.commands.tables import new_table

    found = {(e["source"], e["target"]): f"~{cells.ms(e['estimate_ms'])} {cells.likely(e)}" for e in estimates}
    found |= {(p["source"], p["target"]): cells.ms(p[field]) for p in paths}
    columns = nodes if columns is None else columns
    table = new_table(["from \\ to", *columns], title=title)
    for source in nodes:
        line = ("·" if source == target else found.get((source, target), cells.UNKNOWN) for target in columns)
        table.add_row(source, *line)
    return table
