"""The bundled trace: measured round trips between five devices, replayed slice by slice."""

import csv
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Self

__all__ = ["Trace"]


class Trace:
    """Round trips in ms by (source, target), one for each slice; replay starts over at the end."""

    def __init__(self, rtt_ms: Mapping[tuple[str, str], list[float]]) -> None:
        self._rtt_ms = rtt_ms

    @classmethod
    def bundled(cls) -> Self:
        """The slice of the Seattle trace beside this module; its header says where it comes from."""
        text = files("neilats.demo").joinpath("seattle.csv").read_text(encoding="utf-8")
        return cls.read(text.splitlines())

    @classmethod
    def read(cls, lines: Iterable[str]) -> Self:
        """From CSV lines `slice,source,target,rtt_ms`, slices ascending; lines that begin with # are comments."""
        found: dict[tuple[str, str], list[float]] = {}
        for row in csv.DictReader(line for line in lines if not line.startswith("#")):
            found.setdefault((row["source"], row["target"]), []).append(float(row["rtt_ms"]))
        return cls(found)

    def __len__(self) -> int:
        return min((len(line) for line in self._rtt_ms.values()), default=0)

    def rtt_ms(self, source: str, target: str, number: int) -> float:
        """The round trip from source to target in this slice; 0 for a pair that is not in the trace."""
        line = self._rtt_ms.get((source, target))
        return line[number % len(line)] if line else 0.0
