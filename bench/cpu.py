"""What the programs of a run take of the processors, from /proc."""

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

__all__ = ["Cpu", "Spent"]

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
IDLE = (3, 4)
"""Of the columns of /proc/stat: idle, and waiting for a disk."""


@dataclass(frozen=True)
class Spent:
    """Between two looks."""

    by_program: Mapping[str, float]
    """Seconds of one core, user and system."""
    busy: float
    """0..1 of all cores, whoever kept them so."""

    @property
    def total_s(self) -> float:
        """Of all programs together."""
        return sum(self.by_program.values())


class Cpu:
    """What the child processes of this one have taken so far; those that have ended meanwhile are left out."""

    def __init__(self, by_program: Mapping[str, float], busy: float, total: float) -> None:
        self._by_program, self._busy, self._total = by_program, busy, total

    @classmethod
    def now(cls, parent: int | None = None) -> Self:
        """A look at the children of a process, this one if none is given."""
        parent, found = parent or os.getpid(), defaultdict[str, float](float)
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text(encoding="utf-8", errors="replace")
            except OSError:  # it has ended
                continue
            name, fields = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 1 :].split()
            if int(fields[1]) == parent:
                found[name] += (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND
        ticks = [int(n) for n in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
        return cls(found, sum(n for i, n in enumerate(ticks) if i not in IDLE), sum(ticks))

    def since(self, before: "Cpu") -> Spent:
        """What was taken since an earlier look."""
        spent = {name: s - before._by_program.get(name, 0.0) for name, s in self._by_program.items()}
        return Spent(spent, (self._busy - before._busy) / max(self._total - before._total, 1.0))
