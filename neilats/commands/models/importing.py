"""`neilats models import`: a pair's model of the old plugin."""

from pathlib import Path

import click

from neilats.commands.asking import as_json_option, print_json
from neilats.commands.models.options import directory_option, file_argument, pair_option, reported

__all__ = ["command"]

EPILOG = """\b
Examples:
  neilats models import lstm_master2node1.pth scaler_master2node1.pkl
  neilats models import best.pth scaler.pkl --pair master2node1
"""


@click.command("import", epilog=EPILOG)
@file_argument("pth")
@file_argument("pkl")
@pair_option
@directory_option
@as_json_option
def command(pth: Path, pkl: Path, pair: str | None, directory: Path, as_json: bool) -> None:
    """Import the old plugin's network PTH and scaler PKL, and let them serve their pair.

    Nothing in the files is executed, and neither torch nor scikit-learn is needed. The pair is taken from the names
    lstm_A2B.pth and scaler_A2B.pkl, or from --pair.
    """
    from models.legacy.importing import import_pair
    from models.registry import Registry

    with reported():
        manifest = import_pair(pth, pkl, Registry.standard(directory), pair)
    if as_json:
        print_json({"name": manifest.name, "pair": manifest.pair, "sha256": manifest.sha256})
        return
    about = manifest.architecture
    click.echo(
        f"Imported {manifest.name}: LSTM of {about['layers']} x {about['hidden']}, "
        f"{manifest.window} -> {manifest.horizon}. It serves {manifest.pair} now."
    )
