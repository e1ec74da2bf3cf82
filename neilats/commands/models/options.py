"""What the commands about models share: the directory, and errors of models as the command line's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from models.promoted import Serving
    from models.registry import Registry

__all__ = [
    "DEFAULT_DIR",
    "check_known",
    "directory_option",
    "file_argument",
    "pair_option",
    "print_serving",
    "reported",
    "serving_as_json",
]

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_DIR: Final = "./neilats-models"

MOST_NAMES: Final = 20
"""In a message."""

directory_option = click.option(
    "--models-dir",
    "directory",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DIR,
    envvar="NEILATS_MODELS_DIR",
    show_default=True,
    show_envvar=True,
    help="Where the models lie; the package's own are there besides.",
)

pair_option = click.option("--pair", metavar="A2B", help="The pair, such as master2node1.")


def file_argument(name: str) -> Callable[[F], F]:
    """A file of the old plugin."""
    return click.argument(name, type=click.Path(exists=True, dir_okay=False, path_type=Path))


@contextmanager
def reported() -> Iterator[None]:
    """Turn what is wrong with a model's files, or with a trace, into one message and status 1."""
    from models.errors import ModelError
    from neilats.traces import TraceError

    try:
        yield
    except (ModelError, TraceError) as e:
        raise click.ClickException(str(e)) from e


def check_known(registry: "Registry", name: str) -> None:
    """Raise the command line's error for a name that nothing has, with those that there are."""
    names = registry.names()
    if name in names:
        return
    known = (
        f"there are {', '.join(names[:MOST_NAMES])}{', ...' if len(names) > MOST_NAMES else ''}"
        if names
        else ("there are none yet; `neilats models train` makes one")
    )
    raise click.ClickException(f"no model {name!r} in {registry.directory} or in the package; {known}")


def serving_as_json(serving: "Serving") -> dict[str, Any]:
    """What serves now, for programs."""
    return {"shared": serving.shared, "violation": serving.violation, "pairs": serving.pairs}


def print_serving(serving: "Serving") -> None:
    """Say what serves now."""
    click.echo(f"Serving now: {serving.shared or 'the naive forecast'} for all pairs", nl=False)
    own = [f"{name} for {pair}" for pair, name in sorted(serving.pairs.items())]
    also = [*([f"{serving.violation} for the violations of SLAs"] if serving.violation else []), *own]
    click.echo((" without a model of their own" if own else "") + "".join(f"; {text}" for text in also) + ".")
