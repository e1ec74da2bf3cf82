"""What the audience sees: a picture that moves on a terminal, or lines of text elsewhere."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from neilats.commands import cells
from neilats.commands.matrix import matrix_table
from neilats.commands.tables import new_table, put
from neilats.demo.plan import ADDRESSES, PEER

__all__ = ["LiveScreen", "PlainScreen", "Screen", "SilentScreen", "View"]

EVENTS: Final = 6
"""Events that stay visible on a terminal: all fits into 24 lines."""

WIDE: Final = 114
"""Columns from which the two tables stand side by side."""


@dataclass
class View:
    """What is known now."""

    sla_ms: float
    paths: Sequence[dict[str, Any]] = ()
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)
    chosen: str = ""


class Screen(Protocol):
    """Where the story is told; a context manager."""

    def event(self, at_s: float, text: str) -> None:
        """Something happened, so many seconds after the start."""

    def show(self, view: View, *, milestone: bool = False) -> None:
        """The current numbers; a milestone is worth a look even where nothing moves."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class SilentScreen:
    """Shows nothing: for `--json`."""

    def event(self, at_s: float, text: str) -> None:
        """Nothing is shown."""

    def show(self, view: View, *, milestone: bool = False) -> None:
        """Nothing is shown."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None) -> None:
        return None


class PlainScreen(SilentScreen):
    """Lines of text, with the tables at milestones only, so that a log stays short."""

    def __init__(self, out: Console) -> None:
        self._out = out

    def event(self, at_s: float, text: str) -> None:
        """A line."""
        self._out.print(_line(at_s, text), soft_wrap=True)

    def show(self, view: View, *, milestone: bool = False) -> None:
        """The tables, if this is a milestone."""
        if milestone:
            put(self._out, _tables(view, self._out.width))


class LiveScreen:
    """The tables and the last events, in place; what was last seen stays on the terminal."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._events: deque[Text] = deque(maxlen=EVENTS)
        self._view: View | None = None
        self._live = Live(console=out, auto_refresh=False)

    def event(self, at_s: float, text: str) -> None:
        """Add a line below the tables."""
        self._events.append(_line(at_s, text))
        self._draw()

    def show(self, view: View, *, milestone: bool = False) -> None:
        """Redraw."""
        self._view = view
        self._draw()

    def _draw(self) -> None:
        tables = [_tables(self._view, self._out.width), Text()] if self._view is not None and self._view.paths else []
        self._live.update(Group(*tables, *self._events), refresh=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None) -> None:
        self._live.__exit__(kind, e, trace)


def _line(at_s: float, text: str) -> Text:
    return Text.from_markup(f"[dim]{at_s:5.1f} s[/]  {text}", overflow="ellipsis")


def _tables(view: View, width: int) -> RenderableType:
    """Both tables, side by side where there is room."""
    if width < WIDE:
        return Group(_matrix(view), Text(), _scores(view))
    both = Table.grid(padding=(0, 6))
    both.add_row(_matrix(view), _scores(view))
    return both


def _matrix(view: View) -> Table:
    return matrix_table(tuple(ADDRESSES), view.paths, "last_ms", title="last round trips, ms")


def _scores(view: View) -> Table:
    """Each candidate's score towards the peer, as a new pod would hear it now."""
    title = f"a pod that wants {PEER} within {view.sla_ms:g} ms"
    limit = f"> {view.sla_ms:g} ms"
    table = new_table(("node", "score", limit, "median", "last", "loss", " " * 8), left=(" " * 8,), title=title)
    for name, row in view.scores.items():
        picked = name == view.chosen
        table.add_row(
            escape(name),
            str(row["score"]),
            cells.cost(row["cost"], row["unit"]) if row["status"] != "unknown" else cells.UNKNOWN,
            cells.ms(row["median_ms"]),
            cells.ms(row["last_ms"]),
            cells.fraction(row["loss"]),
            "← chosen" if picked else "",
            style="bold green" if picked else "",
        )
    return table
