"""Tables as all commands draw them: narrow gaps, one rule below the header, no blanks at the ends of lines."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["new_table", "put"]


def new_table(columns: Iterable[str], *, left: Iterable[str] = (), title: str = "") -> Table:
    """An empty table; columns hold numbers, so they lie right, except the first one and those that are named `left`."""
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        title=title or None,
        title_justify="left",
        title_style="bold",
    )
    for i, name in enumerate(columns):
        table.add_column(name, justify="left" if i == 0 or name in left else "right", no_wrap=True)
    return table


def put(out: "Console", drawing: "RenderableType") -> None:
    """Print a table between two empty lines; a log or a README needs no padding up to the margin."""
    with out.capture() as captured:
        out.print(drawing)
    for line in ("", *captured.get().splitlines(), ""):
        out.print(Text.from_ansi(line.rstrip()), soft_wrap=True)
