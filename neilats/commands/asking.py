"""What the commands that ask an extender share: its URL, and the way to print."""

import json
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from neilats import parse

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["DEFAULT_URL", "as_json_option", "console", "print_json", "run", "urls_option"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_URL: Final = "http://127.0.0.1:8080"

PLAIN_WIDTH: Final = 120
"""Columns where the output is no terminal: enough for every table, so that nothing is cut in a file or a pipe."""


def _base_urls(ctx: click.Context, param: click.Parameter, given: Any) -> Any:
    """Each URL checked and without a trailing slash; several may stand in one value, as in NEILATS_URL."""
    try:
        found = parse.urls(",".join([given] if isinstance(given, str) else given))
    except ValueError as e:
        raise click.BadParameter(str(e), ctx, param) from e
    if not found:
        raise click.BadParameter("is empty; leave it out for " + DEFAULT_URL, ctx, param)
    return found if param.multiple else found[0]


def urls_option(*, multiple: bool = False) -> Callable[[F], F]:
    """`--url`, once or repeatable."""
    return click.option(
        "--url",
        "urls" if multiple else "url",
        metavar="URL",
        multiple=multiple,
        default=(DEFAULT_URL,) if multiple else DEFAULT_URL,
        envvar="NEILATS_URL",
        show_default=True,
        show_envvar=True,
        callback=_base_urls,
        help="The extender" + ("'s; repeatable: all replicas are asked." if multiple else "."),
    )


as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for programs.")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    import asyncio

    return asyncio.run(work)


def console(*, stderr: bool = False) -> "Console":
    """Where tables go: as wide as the terminal, or wide enough where there is none."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    plain = Console(file=stream, highlight=False, soft_wrap=False)
    return plain if plain.is_terminal else Console(file=stream, highlight=False, width=PLAIN_WIDTH)


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(document, indent=2))
