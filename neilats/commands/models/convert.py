"""`neilats models convert`: the old plugin's files as ONNX, and nothing else."""

from pathlib import Path

import click

from neilats.commands.asking import as_json_option, print_json
from neilats.commands.models.options import file_argument, pair_option, reported

__all__ = ["command"]

EPILOG = """\b
Example:
  neilats models convert lstm_master2node1.pth scaler_master2node1.pkl --out master2node1.onnx
"""


@click.command("convert", epilog=EPILOG)
@file_argument("pth")
@file_argument("pkl")
@click.option(
    "--out",
    metavar="FILE.onnx",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The network; its manifest is written beside it.",
)
@pair_option
@as_json_option
def command(pth: Path, pkl: Path, out: Path, pair: str | None, as_json: bool) -> None:
    """Convert the old plugin's network PTH and scaler PKL to ONNX, without promoting it.

    The network takes 30 round trips in ms and gives forecasts in ms: the scaler is folded in. Copied into a directory
    of models, both files can be promoted: for every pair, or with --pair for that pair only.
    """
    from models.legacy.importing import convert_to_file

    with reported():
        manifest = convert_to_file(pth, pkl, out, pair)
    if as_json:
        print_json({"file": str(out), "name": manifest.name, "sha256": manifest.sha256})
        return
    click.echo(
        f"Wrote {out} and {out.with_suffix('.json').name}: {manifest.window} -> {manifest.horizon} slots, in ms."
    )
