"""`neilats models promote`: let a model serve."""

from pathlib import Path

import click

from neilats.commands.asking import as_json_option, print_json
from neilats.commands.models.options import (
    check_known,
    directory_option,
    pair_option,
    print_serving,
    reported,
    serving_as_json,
)

__all__ = ["command"]

EPILOG = """\b
Examples:
  neilats models promote lan-32x2
  neilats models promote lan-32x2 --pair master2node1
"""


@click.command("promote", epilog=EPILOG)
@click.argument("name")
@pair_option
@directory_option
@as_json_option
def command(name: str, pair: str | None, directory: Path, as_json: bool) -> None:
    """Let the model NAME serve every pair, or one pair: its own, or the one given.

    It is verified, loaded and run once first; where that fails, nothing changes.
    """
    from models.registry import Registry

    with reported():
        registry = Registry.standard(directory)
        check_known(registry, name)
        serving = registry.promote(name, pair)
    if as_json:
        print_json(serving_as_json(serving))
        return
    print_serving(serving)
