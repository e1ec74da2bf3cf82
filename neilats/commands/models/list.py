"""`neilats models list`: the models, and which of them serve."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neilats.commands.asking import as_json_option, console, print_json
from neilats.commands.models.options import directory_option, reported, serving_as_json

if TYPE_CHECKING:
    from rich.table import Table

    from models.promoted import Serving
    from models.registry import Registry

__all__ = ["command", "overview"]

EPILOG = """\b
Examples:
  neilats models list
  neilats models list --models-dir /var/lib/neilats/models --json
"""


@click.command("list", epilog=EPILOG)
@directory_option
@as_json_option
def command(directory: Path, as_json: bool) -> None:
    """List the models of a directory and of the package, and say which of them serve."""
    from models.registry import Registry

    with reported():
        found = overview(Registry.standard(directory))
    if as_json:
        print_json(found)
        return
    if not found["models"]:
        click.echo(f"There is no model in {directory} or in the package, so the naive forecast serves.")
        return
    from neilats.commands.tables import put

    put(console(), _table(found["models"]))
    for model in found["models"]:
        if model["error"]:
            click.echo(f"Broken: {model['error']}", err=True)


def overview(registry: "Registry") -> dict[str, Any]:
    """Every model with what it is for; one whose files are broken with its error."""
    serving = registry.serving()
    missing = sorted(serving.names() - set(registry.names()))
    return {
        "directory": str(registry.directory),
        "serving": serving_as_json(serving),
        "models": [_row(registry, name, serving) for name in [*registry.names(), *missing]],
    }


def _row(registry: "Registry", name: str, serving: "Serving") -> dict[str, Any]:
    from models.errors import ModelError

    row: dict[str, Any] = {"name": name, "serves": _serves(name, serving), "packaged": registry.is_packaged(name)}
    try:
        manifest = registry.read(name).manifest
    except ModelError as e:
        return {**row, "kind": None, "pair": None, "window": None, "horizon": None, "created": None, "error": str(e)}
    about = {"kind": manifest.kind, "pair": manifest.pair, "window": manifest.window, "horizon": manifest.horizon}
    return {**row, **about, "created": manifest.created.isoformat(), "error": None}


def _serves(name: str, serving: "Serving") -> list[str]:
    """For whom a model serves: `all`, `SLAs` (their violations on all pairs), and pairs."""
    pairs = sorted(pair for pair, model in serving.pairs.items() if model == name)
    shared = [*(["all"] if serving.shared == name else []), *(["SLAs"] if serving.violation == name else [])]
    return [*shared, *pairs]


def _table(models: list[dict[str, Any]]) -> "Table":
    from rich.text import Text

    from neilats.commands.cells import UNKNOWN
    from neilats.commands.tables import new_table

    words = ("kind", "serves", "from", "created")
    table = new_table(("model", "kind", "serves", "window\nslots", "horizon\nslots", "from", "created"), left=words)
    for model in models:
        kind, serves = Text(model["kind"] or "broken"), ", ".join(model["serves"]) or UNKNOWN
        sizes = [str(model[key] or UNKNOWN) for key in ("window", "horizon")]
        origin = "the package" if model["packaged"] else "the directory"
        style = "bold" if model["serves"] else "dim" if model["error"] else ""
        table.add_row(model["name"], kind, serves, *sizes, origin, (model["created"] or UNKNOWN)[:10], style=style)
    return table
