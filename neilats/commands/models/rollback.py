"""`neilats models rollback`: undo the latest promotion."""

from pathlib import Path

import click

from neilats.commands.asking import as_json_option, print_json
from neilats.commands.models.options import directory_option, print_serving, reported, serving_as_json

__all__ = ["command"]

EPILOG = """\b
Example:
  neilats models rollback
"""


@click.command("rollback", epilog=EPILOG)
@directory_option
@as_json_option
def command(directory: Path, as_json: bool) -> None:
    """Let serve what served before the latest promotion or import; repeat it to go further back.

    The models are verified, loaded and run once first; where that fails, nothing changes.
    """
    from models.registry import Registry

    with reported():
        serving = Registry.standard(directory).rollback()
    if as_json:
        print_json(serving_as_json(serving))
        return
    print_serving(serving)
