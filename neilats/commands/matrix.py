"""`neilats matrix`: the measured round trips between all nodes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from neilats.commands import cells
from neilats.commands.access import Access, access_options
from neilats.commands.asking import as_json_option, console, print_json, run, urls_option

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["command", "matrix_table"]


@click.command("matrix", epilog="\b\nExamples:\n  neilats matrix --last\n  neilats matrix --estimates\n")
@click.option("--last", is_flag=True, help="The last samples instead of the medians.")
@click.option("--estimates", is_flag=True, help="Also what is estimated of the paths that nobody measured, marked ~.")
@urls_option()
@access_options
@as_json_option
def command(last: bool, estimates: bool, url: str, access: Access, as_json: bool) -> None:
    """Show the measured round trips in ms, from the node of each line to that of each column."""
    from neilats.commands.client import ask
    from neilats.commands.errors import ClientError

    try:
        answer = run(ask(url, "/v1/matrix" + ("?estimates=true" if estimates else ""), access=access))
    except ClientError as e:
        from neilats.commands.trouble import trouble

        raise trouble(url, e) from e
    if as_json:
        print_json(answer)
        return
    paths = answer["paths"]
    measured = sum(p["samples"] > 0 for p in paths)
    from neilats.commands.tables import put

    out = console()
    out.print(f"{'Last' if last else 'Median'} round trips in ms; {measured} paths measured.")
    estimated = answer.get("estimates", ())
    put(out, matrix_table(answer["nodes"], paths, "last_ms" if last else "median_ms", estimates=estimated))
    if estimated:
        out.print(cells.ESTIMATED, style="dim", markup=False, soft_wrap=True)


def matrix_table(
    nodes: Sequence[str],
    paths: Sequence[Mapping[str, Any]],
    field: str,
    title: str = "",
    estimates: Sequence[Mapping[str, Any]] = (),
) -> "Table":
    """One line a source, one column a target; unmeasured is a dash or an estimate with its span, lost says so."""
    from neilats.commands.tables import new_table

    found = {(e["source"], e["target"]): f"~{cells.ms(e['estimate_ms'])} {cells.likely(e)}" for e in estimates}
    found |= {(p["source"], p["target"]): cells.ms(p[field]) for p in paths}
    table = new_table(["from \\ to", *nodes], title=title)
    for source in nodes:
        line = ("·" if source == target else found.get((source, target), cells.UNKNOWN) for target in nodes)
        table.add_row(source, *line)
    return table
