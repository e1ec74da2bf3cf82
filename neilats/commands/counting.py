"""A bar for work that counts what it has done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from neilats.commands.asking import console

__all__ = ["counting"]


@contextmanager
def counting(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, where that is a terminal; it is told how much is done, and of how much."""
    err = console(stderr=True)
    if quiet or not err.is_terminal:
        yield lambda count, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda count, total: bar.update(task, completed=count, total=total)
