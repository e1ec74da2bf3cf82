"""`make bench`: runs every section and prints one table. Status 1 if a target is missed, 2 if the call is wrong."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from bench.options import Options
from bench.record import merged, record
from bench.running import run
from bench.sections import SECTIONS, chosen
from bench.table import markdown, table, within

STDOUT = "-"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", metavar="NAME,...", default="", help="Only these sections; --list names them.")
@click.option("--quick", is_flag=True, help="Fewer and shorter repetitions: to see whether it works, not to judge.")
@click.option("--json", "json_file", metavar="FILE|-", help="Write everything as JSON.")
@click.option(
    "--markdown",
    "markdown_file",
    metavar="FILE",
    is_flag=False,
    flag_value=STDOUT,
    help="Print the table as Markdown, or put it into a document between its marks (docs/performance.md).",
)
@click.option(
    "--from",
    "sources",
    metavar="FILE",
    multiple=True,
    help="Measure nothing: show what --json has written; of several files, later sections replace earlier ones.",
)
@click.option("--soak-s", metavar="SECONDS", default=Options.soak_s, show_default=True, help="3600: in real time.")
@click.option("--list", "listed", is_flag=True, help="The sections, the shortest first.")
def main(
    only: str,
    quick: bool,
    json_file: str | None,
    markdown_file: str | None,
    sources: tuple[str, ...],
    soak_s: float,
    listed: bool,
) -> None:
    """Every figure beside its target and its yardstick, measured in the same run."""
    if listed:
        for section in chosen():
            click.echo(f"{section.name:<12}{section.typical_s:>6g} s  {section.about}")
        return
    found = _read(sources) if sources else _measured(only, Options(quick=quick, soak_s=soak_s))
    if json_file:
        _write(json_file, json.dumps(found, indent=1, allow_nan=False) + "\n")
    if markdown_file:
        _show_markdown(markdown_file, markdown(found))
    elif json_file != STDOUT:
        Console(width=None if sys.stdout.isatty() else 200).print(table(found))
    sys.exit(int(not found["reached"]))


def _measured(only: str, options: Options) -> dict[str, Any]:
    try:
        sections = chosen([name.strip() for name in only.split(",") if name.strip()], SECTIONS)
    except ValueError as e:
        raise click.UsageError(f"--only: {e}") from e
    return record(run(sections, options), options)


def _read(sources: Sequence[str]) -> dict[str, Any]:
    try:
        return merged([json.loads(Path(source).read_text(encoding="utf-8")) for source in sources])
    except (OSError, ValueError) as e:
        raise click.UsageError(f"--from {', '.join(sources)}: {e}") from e


def _write(where: str, text: str) -> None:
    if where == STDOUT:
        click.echo(text, nl=False)
    else:
        Path(where).write_text(text, encoding="utf-8")


def _show_markdown(where: str, made: str) -> None:
    if where == STDOUT:
        click.echo(made, nl=False)
        return
    try:
        Path(where).write_text(within(Path(where).read_text(encoding="utf-8"), made), encoding="utf-8")
    except (OSError, ValueError) as e:
        raise click.UsageError(f"--markdown {where}: {e}") from e


if __name__ == "__main__":
    main()
