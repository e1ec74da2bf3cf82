"""The report as people read it."""

import io

from rich.console import Console

from neilats.doctor.checks import THEMES, Report
from neilats.doctor.finding import Finding
from neilats.doctor.show import print_report, summary

IGNORABLE, STALE = "scheduler-not-ignorable", "extender-windows-stale"


def shown(*findings, notes=(), checked=()):
    out = io.StringIO()
    print_report(Console(file=out, width=60, highlight=False), Report(findings, notes, checked))
    return out.getvalue()


def finding(name=IGNORABLE, severity="error", where="here", what="it is [bold]wrong[/bold]", fix="do\nthis"):
    return Finding(name, severity, where, what, "because", fix)


def test_a_finding_has_its_place_reason_and_command():
    lines = [line.rstrip() for line in shown(finding()).splitlines()]
    assert lines[:7] == [
        "kube-scheduler",
        f"ERROR {IGNORABLE}",
        "  why   because",
        "  where here",
        "  what  it is [bold]wrong[/bold]",
        "  fix   do",
        "        this",
    ]


def test_long_commands_are_not_cut():
    assert "x" * 200 in shown(finding(fix="x" * 200))


def test_findings_are_grouped_by_theme_and_check_with_the_reason_once():
    text = shown(finding(where="a"), finding(STALE, "warning"), finding(where="b"))
    assert text.count("because") == 2
    assert text.index("where b") < text.index("extender\n") < text.index(f"WARNING {STALE}")


def test_many_alike_are_cut_short():
    text = shown(*[finding(where=f"place-{i}") for i in range(8)])
    assert "place-4" in text
    assert "place-5" not in text
    assert "and 3 more like these; --json has them all" in text


def test_the_last_line_counts():
    report = Report((finding(), finding(), finding(STALE, "warning")), (), (IGNORABLE, STALE))
    assert summary(report) == "2 errors, 1 warning, 2 checks"
    assert shown(finding(), checked=(IGNORABLE,)).endswith("1 error, 0 warnings, 1 check\n")


def test_without_findings_what_was_checked_and_what_was_not_are_told():
    text = shown(notes=("not checked: x (needs: y)",), checked=(IGNORABLE,))
    assert f"kube-scheduler: {IGNORABLE}" in text
    assert "probers: nothing" in text
    assert "note    not checked: x (needs: y)" in text


def test_every_theme_is_shown():
    text = shown(*[finding(checks[0].id) for checks in THEMES.values()])
    assert all(f"{theme}\n" in text for theme in THEMES)
