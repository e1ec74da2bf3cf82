"""All checks together: what cannot be asked is said, and the documentation has them all."""

from pathlib import Path

import pytest

from neilats import __version__
from neilats.doctor.checks import THEMES, examine, table
from neilats.doctor.facts import Facts, Source
from neilats.settings import ExtenderSettings
from tests.neilats.doctor.builders import asking_neilats, kube_scheduler, scheduler_config, scrape

ALL = [c for checks in THEMES.values() for c in checks]
DOC = (Path(__file__).parents[3] / "docs" / "doctor.md").read_text()


def test_the_documentation_has_every_check_as_it_is():
    documented = [line for line in DOC.splitlines() if line.startswith("|")]
    assert documented == list(table())


def test_no_two_checks_have_the_same_id():
    assert len({c.id for c in ALL}) == len(ALL)


def test_a_check_whose_sources_are_unread_is_not_asked_and_named():
    report = examine(Facts(unread={Source.CONFIGS: "list configmaps"}))
    (note,) = report.notes
    assert note.startswith("not checked: scheduler-without-neilats, ")
    assert note.endswith("(needs: list configmaps)")
    assert set(report.checked) == {c.id for c in ALL if Source.CONFIGS not in c.needs}


def test_the_report_for_programs_has_findings_notes_and_what_was_checked():
    document = examine(Facts(configs=[asking_neilats(ignorable=False)])).as_json()
    assert set(document) == {"findings", "notes", "checked"}
    finding = next(f for f in document["findings"] if f["id"] == "scheduler-not-ignorable")
    assert set(finding) == {"id", "severity", "where", "what", "why", "fix"}
    assert all(finding.values())


@pytest.mark.parametrize(
    ("version", "words"),
    [("v1.29.3", ["before 1.30", "needs 1.36"]), ("v1.33.1", ["needs 1.36"]), ("v1.36.0", []), ("", [])],
)
def test_what_an_older_kubernetes_lacks_is_a_note(version, words):
    notes = examine(Facts(version=version)).notes
    assert [w in n for w, n in zip(words, notes, strict=True)] == [True] * len(words)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (Facts(pods=[kube_scheduler("--config=/etc/s.yaml")]), "reads /etc/s.yaml on its host"),
        (Facts(configs=[scheduler_config({"weight": "many"})]), "cannot be read: Expected `int`"),
        (Facts(settings=ExtenderSettings(shadow=True)), "shadow is true"),
        (Facts(extenders=[scrape("e", 'neilats_build_info{version="0.0.0"} 1')]), f"this is neilats {__version__}"),
    ],
)
def test_what_is_good_to_know_is_a_note(facts, words):
    assert [words in n for n in examine(facts).notes] == [True]
