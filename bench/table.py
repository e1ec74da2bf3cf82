"""A run as a table: for the terminal, and as Markdown for docs/performance.md. Both are made from the record."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

__all__ = ["BEGIN", "END", "markdown", "table", "within"]

BEGIN, END = "<!-- table: make bench ARGS=--markdown -->", "<!-- end of table -->"

HEADINGS = ("figure", "ratio", "target", "here", "there", "yardstick")


def table(record: Mapping[str, Any]) -> Table:
    """For the terminal."""
    made = Table(*HEADINGS)
    for section in record["sections"]:
        for cells in _lines(section):
            made.add_row(*cells)
        made.add_section()
    return made


def markdown(record: Mapping[str, Any]) -> str:
    """A dated table, with what was missed in bold."""
    machine = record["machine"]
    said = f"{record['date'][:10]}, commit `{record['commit'] or 'unknown'}`, {machine['cores']} cores"
    said += f" ({machine['cpu']}), Python {machine['python']}" + (", quick run" if record["quick"] else "")
    lines = [said, "", f"| {' | '.join(HEADINGS)} |", f"|{'---|' * len(HEADINGS)}"]
    for section in record["sections"]:
        lines += [f"| {' | '.join(_escaped(cell) for cell in cells)} |" for cells in _lines(section, bold="**")]
    return "\n".join(lines) + "\n"


def within(text: str, made: str) -> str:
    """A document with the table between its two marks replaced; raises ValueError where it has no such marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"no lines {BEGIN} and {END} to put the table between")
    return f"{before}{BEGIN}\n{made}{END}{after}"


def _lines(section: Mapping[str, Any], bold: str = "") -> list[Sequence[str]]:
    lines: list[Sequence[str]] = [_line(row, bold) for row in section["rows"]]
    for state in ("skipped", "failed"):
        if why := section[state]:
            lines.append((section["name"], "", f"{bold}{state.upper()}{bold}: {why.splitlines()[0][:300]}", "", "", ""))
    return lines


def _line(row: Mapping[str, Any], bold: str) -> Sequence[str]:
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.3g}"
    if row["repetitions"] > 1:
        ratio += " ({:.3g}-{:.3g})".format(*row["spread"])
    verdict = "ok" if row["reached"] else f"{bold}MISSED{bold}"
    target = f"{verdict}: {row['target']}" if row["target"] else "shown only"
    if row["limit"] and not row["reached"]:
        target += f"; {row['limit']}"
    return (
        row["figure"], ratio, target, _value(row["here"], row["unit"]), _value(row["there"], row["unit"]),
        row["yardstick"],
    )  # fmt: skip


def _value(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.4g} {unit}".strip()


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")
