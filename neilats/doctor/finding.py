"""What is wrong: a check, and what it finds.

A check is a pure function of the facts, with what people need to know about it: the table in docs/doctor.md is made
from these texts.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from neilats.doctor.facts import Facts, Source

__all__ = ["Check", "Finding", "Severity", "Trouble", "check"]

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a check found in one place. `fix` and `severity` are the check's own where they are not given."""

    where: str
    what: str
    fix: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A Trouble with all that its check knows: `id` is stable, for programs; `fix` holds the command."""

    id: str
    severity: Severity
    where: str
    what: str
    why: str
    fix: str

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


Find = Callable[[Facts], Iterable[Trouble]]


@dataclass(frozen=True, slots=True)
class Check:
    """One question to the facts; it can be asked where all that it `needs` could be read."""

    id: str
    severity: Severity
    about: str
    why: str
    fix: str
    needs: tuple[Source, ...]
    find: Find

    def run(self, facts: Facts) -> list[Finding]:
        """All that is wrong."""
        return [
            Finding(self.id, t.severity or self.severity, t.where, t.what, self.why, t.fix or self.fix)
            for t in self.find(facts)
        ]


def check(name: str, severity: Severity, *needs: Source, about: str, why: str, fix: str) -> Callable[[Find], Check]:
    """Make a check of a function: `about` says what is wrong, `fix` what to do, in general; the rest is a Trouble's."""

    def make(find: Find) -> Check:
        return Check(name, severity, about, why, fix, needs, find)

    return make
