"""Runs sections one after the other: one that fails is told of, and the others go on."""

import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.options import Options
from bench.sections import Section
from bench.timing import Row, Skipped

__all__ = ["Outcome", "run", "say"]


@dataclass
class Outcome:
    """What a section found, or why it found nothing."""

    section: str
    rows: list[Row] = field(default_factory=list)
    skipped: str = ""
    failed: str = ""
    seconds: float = 0.0

    @property
    def reached(self) -> bool:
        """Whether nothing was missed; what was skipped was not."""
        return not self.failed and all(row.reached for row in self.rows)


def say(text: str) -> None:
    """Progress, on standard error."""
    print(f"bench: {text}", file=sys.stderr, flush=True)  # noqa: T201


def run(sections: Sequence[Section], options: Options, tell: Callable[[str], None] = say) -> list[Outcome]:
    """Every section's outcome; rows that came before a failure are kept."""
    return [_run(section, options, tell) for section in sections]


def _run(section: Section, options: Options, tell: Callable[[str], None]) -> Outcome:
    tell(f"{section.name}: {section.about} (about {section.typical_s:g} s{', quick' if options.quick else ''})")
    outcome, began = Outcome(section.name), time.monotonic()
    try:
        for row in section.rows(options):
            outcome.rows.append(row)
            tell(f"{section.name}: {row.figure}: {row.here:.4g} {row.unit}, {row.ratio:.3g} x {row.yardstick or '-'}")
    except Skipped as e:
        outcome.skipped = str(e)
        tell(f"{section.name}: SKIPPED: {e}")
    except Exception as e:  # the table shows it, and the sections behind it still count
        outcome.failed = f"{type(e).__name__}: {e}"
        tell(f"{section.name}: FAILED: {traceback.format_exc()}")
    outcome.seconds = time.monotonic() - began
    return outcome
