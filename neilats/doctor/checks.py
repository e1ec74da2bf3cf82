"""Every check by theme, and asking those that can be asked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from neilats.doctor import calls, cluster, coverage, extender, intents, probers, scheduler, upkeep
from neilats.doctor.facts import Facts
from neilats.doctor.finding import Check, Finding
from neilats.doctor.remarks import remarks

__all__ = ["THEMES", "Report", "examine", "table"]

THEMES: Final[Mapping[str, Sequence[Check]]] = {
    "kube-scheduler": (*scheduler.CHECKS, *calls.CHECKS),
    "pods": intents.CHECKS,
    "extender": (*extender.CHECKS, *upkeep.CHECKS),
    "probers": (*coverage.CHECKS, *probers.CHECKS),
    "cluster": cluster.CHECKS,
}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, what else is to be said, and the ids of the checks that could be asked."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    checked: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "findings": [f.as_json() for f in self.findings],
            "notes": list(self.notes),
            "checked": list(self.checked),
        }


def examine(facts: Facts) -> Report:
    """Ask every check whose sources could be read; the others become notes."""
    everything = [c for checks in THEMES.values() for c in checks]
    possible = [c for c in everything if not facts.unread.keys() & set(c.needs)]
    findings = tuple(f for c in possible for f in c.run(facts))
    notes = (*_unasked(facts, everything), *remarks(facts))
    return Report(findings, notes, tuple(c.id for c in possible))


def _unasked(facts: Facts, everything: Sequence[Check]) -> Iterator[str]:
    """A line for each source that could not be read."""
    for source, needs in facts.unread.items():
        if names := [c.id for c in everything if source in c.needs]:
            yield f"not checked: {', '.join(names)} (needs: {needs})"


def table() -> Iterator[str]:
    """The lines of the table in docs/doctor.md."""
    yield "| check | what is wrong | why it matters | what mends it |"
    yield "|---|---|---|---|"
    for checks in THEMES.values():
        for c in checks:
            yield f"| `{c.id}` ({c.severity}) | {c.about} | {c.why} | {c.fix} |"
