"""What programs take of the processors, from /proc."""

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

__all__ = ["Cpu", "Spent", "Stat"]

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
IDLE = (3, 4)
"""Of the columns of /proc/stat: idle, and waiting for a disk."""


class Stat(NamedTuple):
    """A process: the name of its program, who started it, and its user and system time so far."""

    program: str
    parent: int
    cpu_s: float

    @classmethod
    def of(cls, pid: int | str) -> Self:
        """As it is now; raises OSError where it has ended."""
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        name, fields = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 1 :].split()
        return cls(name, int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND)


@dataclass(frozen=True)
class Spent:
    """Between two looks."""

    by_program: Mapping[str, float]
    """Seconds of one core, user and system."""
    busy: float
    """0..1 of all cores, whoever kept them so."""


class Cpu:
    """What the child processes of this one have taken so far; those that have ended meanwhile are left out."""

    def __init__(self, by_program: Mapping[str, float], busy: float, total: float) -> None:
        self._by_program, self._busy, self._total = by_program, busy, total

    @classmethod
    def now(cls) -> Self:
        """A look."""
        found = defaultdict[str, float](float)
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                stat = Stat.of(folder.name)
            except OSError:
                continue
            if stat.parent == os.getpid():
                found[stat.program] += stat.cpu_s
        ticks = [int(n) for n in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
        return cls(found, sum(n for i, n in enumerate(ticks) if i not in IDLE), sum(ticks))

    def since(self, before: "Cpu") -> Spent:
        """What was taken since an earlier look."""
        spent = {name: s - before._by_program.get(name, 0.0) for name, s in self._by_program.items()}
        return Spent(spent, (self._busy - before._busy) / max(self._total - before._total, 1.0))
