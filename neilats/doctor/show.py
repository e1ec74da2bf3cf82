"""The report for people: what is wrong by theme, what was not checked, and a line that sums it up."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from neilats.doctor.checks import THEMES, Report
from neilats.doctor.finding import Finding
from neilats.doctor.words import plural

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_report", "summary"]

_MOST: Final = 5  # findings of one check in full; --json has them all
_STYLES: Final = {"error": "bold red", "warning": "bold yellow"}


def summary(report: Report) -> str:
    """The last line."""
    count = {s: sum(f.severity == s for f in report.findings) for s in ("error", "warning")}
    checks = plural(len(report.checked), "check")
    return f"{plural(count['error'], 'error')}, {plural(count['warning'], 'warning')}, {checks}"


def print_report(out: "Console", report: Report) -> None:
    """Print all of it."""
    for theme, checks in THEMES.items():
        by_check = {c.id: [f for f in report.findings if f.id == c.id] for c in checks}
        if any(by_check.values()):
            out.print(theme, style="bold underline")
        for found in filter(None, by_check.values()):
            _print_check(out, found)
    if not report.findings:
        out.print("Nothing is wrong in what was checked:")
        _print_checked(out, report.checked)
    for note in report.notes:
        _print_lines(out, "note", note)
    out.print(summary(report), style="bold")


def _print_check(out: "Console", found: Sequence[Finding]) -> None:
    """One check's findings, worst first, with the reason once."""
    worst = sorted(found, key=lambda f: f.severity)
    first = worst[0]
    out.print(f"{first.severity.upper()} {first.id}", style=_STYLES[first.severity])
    _print_lines(out, "  why ", first.why)
    for finding in worst[:_MOST]:
        _print_lines(out, "  where", finding.where)
        _print_lines(out, "  what", finding.what)
        _print_lines(out, "  fix ", finding.fix)
    if (more := len(worst) - _MOST) > 0:
        out.print(f"  and {more} more like these; --json has them all")
    out.print()


def _print_lines(out: "Console", head: str, text: str) -> None:
    """A text after its heading, its further lines below it."""
    first, *rest = text.splitlines() or [""]
    _print_raw(out, f"{head:<7} {first}")
    for line in rest:
        _print_raw(out, f"{'':<7} {line}")


def _print_raw(out: "Console", text: str) -> None:
    # Names of strangers may look like markup, and a command that is wrapped cannot be copied.
    out.print(text, markup=False, emoji=False, soft_wrap=True)


def _print_checked(out: "Console", checked: Iterable[str]) -> None:
    asked = set(checked)
    by_theme: Mapping[str, list[str]] = {t: [c.id for c in checks if c.id in asked] for t, checks in THEMES.items()}
    for theme, ids in by_theme.items():
        _print_raw(out, f"  {theme}: {', '.join(ids) or 'nothing'}")
    out.print()
