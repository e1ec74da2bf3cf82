"""`neilats models train`: a network from recorded data."""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from neilats.commands.asking import as_json_option, print_json
from neilats.commands.models.data import Opened, data_argument, interval_option, open_all, unit_option
from neilats.commands.models.options import directory_option, pair_option, reported

if TYPE_CHECKING:
    from models.manifest import Manifest
    from models.training.options import Options, Trained

__all__ = ["RECIPES", "check_extra", "command"]

RECIPES: Final = ("shared", "violation", "seed", "seed-single-step")

EPILOG = """\b
Examples:
  neilats models train rtt_ms.npz --name lab               one network for all pairs
  neilats models train recordings/ latency_csv/ --name lab --train-until 5000
  neilats models train latency/a2b.txt --recipe seed --pair a2b --name a2b
"""


@click.command("train", epilog=EPILOG)
@data_argument
@click.option("--name", required=True, help="Of the new model.")
@click.option("--recipe", type=click.Choice(RECIPES), default="shared", show_default=True, help="What to train, how.")
@click.option("--epochs", metavar="N", type=click.IntRange(1, 100_000), help="The recipe's own number if not given.")
@click.option("--seed", metavar="N", type=click.IntRange(0, 2**31), default=0, show_default=True, help="Of all dice.")
@click.option(
    "--train-until",
    metavar="SLICE",
    type=click.IntRange(1),
    help="Use nothing from this slice on, not even to validate.",
)
@click.option(
    "--validation-share",
    metavar="SHARE",
    type=click.FloatRange(0, 0.5),
    help="The latest part of what is used, only to validate; 0 learns from all. The recipe's own if not given.",
)
@click.option("--resume", is_flag=True, help="Go on from the checkpoint of a run that was broken off.")
@click.option("--threads", metavar="N", type=click.IntRange(1, 256), default=2, show_default=True)
@interval_option
@unit_option
@pair_option
@directory_option
@as_json_option
def command(
    data: tuple[str, ...],
    name: str,
    recipe: str,
    epochs: int | None,
    seed: int,
    train_until: int | None,
    validation_share: float | None,
    resume: bool,
    threads: int,
    interval_s: float | None,
    unit: str | None,
    pair: str | None,
    directory: Path,
    as_json: bool,
) -> None:
    """Train a network on DATA and write it as the model NAME; `promote` lets it serve.

    DATA are traces as `neilats replay` takes them, recordings, time,latency files, logs of fping -e, folders of these,
    or made-up series such as synthetic:ar?seed=5 (ar, level_shift, periodic, heavy_tailed, white_noise). What is later
    in time only validates. A run that is broken off can be resumed.
    """
    check_extra()
    from models.training.allocator import keep_memory
    from models.training.options import Options
    from neilats.commands.models.progress import training_progress

    keep_memory()
    with reported():
        _check_name(directory, name, pair)
        opened = open_all(data, interval_s, unit)
        if train_until is not None:
            opened = [one.before(train_until) for one in opened]
        about = {"from": [one.about() for one in opened], "train_until": train_until}
        checkpoint = directory / f".{name}.checkpoint"
        train = _prepared(recipe, opened, seed, validation_share, quiet=as_json)
        with training_progress(quiet=as_json) as heard:
            options = Options(
                name, seed, epochs, validation_share, pair, heard, checkpoint, resume, threads, about_data=about
            )
            trained = train(options)
        manifest = _write(directory, trained, checkpoint)
    if as_json:
        print_json(
            {"name": name, "sha256": manifest.sha256, "training": manifest.training, "metrics": manifest.metrics}
        )
        return
    click.echo(f"Wrote {directory / name}.onnx and .json. Let it serve: neilats models promote {name}")


def check_extra(find: Callable[[str], object] = find_spec) -> None:
    """Raise the command line's error where torch is not installed."""
    if find("torch") is None:
        raise click.ClickException("training needs torch: pip install 'neilats[train]'")


def _check_name(directory: Path, name: str, pair: str | None) -> None:
    """Before the work: a name that cannot be written should not cost a training."""
    from models.artefact import MANIFEST_SUFFIX
    from models.aside import check_writable
    from models.errors import ArtefactError
    from models.manifest import check_name, check_pair

    check_name(name, "--name")
    if pair is not None:
        check_pair(pair, "--pair")
    if (directory / f"{name}{MANIFEST_SUFFIX}").exists():
        raise ArtefactError(f"{directory / name}{MANIFEST_SUFFIX}: exists; choose another --name, or delete it first")
    check_writable(directory)


def _prepared(
    recipe: str, opened: list[Opened], seed: int, validation_share: float | None, *, quiet: bool
) -> "Callable[[Options], Trained]":
    """What trains by a recipe, all that takes time before the first epoch done."""
    if recipe == "violation":
        from neilats.commands.models.violation import prepare_violation

        return prepare_violation(opened, seed, validation_share, quiet=quiet)
    from models.training.recipes import run

    return partial(run, recipe, [source for one in opened for source in one.sources])


def _write(directory: Path, trained: "Trained", checkpoint: Path) -> "Manifest":
    from models import artefact

    manifest = artefact.write(directory, trained.manifest, trained.network)
    checkpoint.unlink(missing_ok=True)
    return manifest
