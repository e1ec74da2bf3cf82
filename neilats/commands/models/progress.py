"""What a training run shows while it goes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from neilats.commands.asking import console

if TYPE_CHECKING:
    from models.training.history import Epoch

__all__ = ["training_progress"]


@contextmanager
def training_progress(*, quiet: bool) -> "Iterator[Callable[[Epoch], None]]":
    """A bar on standard error where that is a terminal, else a line for each epoch; nothing if quiet."""
    err = console(stderr=True)
    if quiet or not err.is_terminal:
        yield (lambda epoch: None) if quiet else (lambda epoch: click.echo(_line(epoch), err=True))
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = ("epoch", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda epoch: bar.update(task, completed=epoch.number + 1, total=epoch.of, description=_losses(epoch))


def _line(epoch: "Epoch") -> str:
    return f"epoch {epoch.number + 1} of {epoch.of}: {_losses(epoch)}"


def _losses(epoch: "Epoch") -> str:
    validation = "" if epoch.validation is None else f", validation {epoch.validation:.4f}"
    return f"loss {epoch.loss:.4f}{validation}"
