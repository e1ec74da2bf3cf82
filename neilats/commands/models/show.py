"""`neilats models show`: one model's manifest, once its files are verified."""

import json
from pathlib import Path
from typing import Any

import click

from neilats.commands.asking import as_json_option, console, print_json
from neilats.commands.models.options import check_known, directory_option, reported

__all__ = ["command"]

EPILOG = """\b
Examples:
  neilats models show lan-32x2
  neilats models show lan-32x2 --json
"""


@click.command("show", epilog=EPILOG)
@click.argument("name")
@directory_option
@as_json_option
def command(name: str, directory: Path, as_json: bool) -> None:
    """Verify the model NAME, its network against the sha256 of its manifest, and show what it is."""
    import msgspec

    from models.registry import Registry

    with reported():
        registry = Registry.standard(directory)
        check_known(registry, name)
        artefact = registry.read(name)
    content = msgspec.to_builtins(artefact.manifest)
    if as_json:
        print_json(content)
        return
    from rich.table import Table
    from rich.text import Text

    from neilats.commands.tables import put

    table = Table(box=None, show_header=False, pad_edge=False)
    for key, value in {**content, "file": f"{artefact.path}, {len(artefact.network):,} bytes, verified"}.items():
        if value not in ({}, None):
            table.add_row(key.replace("_", " "), Text(_text(value)), style="bold" if key == "name" else "")
    put(console(), table)


def _text(value: Any) -> str:
    """A value without quotes; what is nested on one line each."""
    if isinstance(value, dict):
        return "\n".join(f"{key}: {v if isinstance(v, str) else json.dumps(v)}" for key, v in value.items())
    return str(value)
