"""What a component's /metrics say, once or twice."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

__all__ = ["Samples", "SamplesError", "Scrape"]

Labels = frozenset[tuple[str, str]]


class SamplesError(ValueError):
    """A text is no exposition of metrics."""


class Samples:
    """Samples by name and labels."""

    def __init__(self, found: Mapping[tuple[str, Labels], float]) -> None:
        self._found = dict(found)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The samples of a Prometheus exposition; raises SamplesError."""
        found: dict[tuple[str, Labels], float] = {}
        try:
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    found[sample.name, frozenset(sample.labels.items())] = float(sample.value)
        except Exception as e:  # the parser fails with whatever a strange line leads it to
            raise SamplesError(f"no metrics: {type(e).__name__}: {e}") from e
        return cls(found)

    def total(self, name: str, **labels: str) -> float:
        """The sum over all samples of this name with these labels; 0 without any."""
        return sum(v for _, v in self._matching(name, labels))

    def value(self, name: str, **labels: str) -> float:
        """The one sample of this name with these labels; NaN without any."""
        return next((v for _, v in self._matching(name, labels)), math.nan)

    def by(self, name: str, label: str) -> dict[str, float]:
        """The sums for each value of a label."""
        sums: dict[str, float] = {}
        for labels, value in self._matching(name, {}):
            if label in labels:
                sums[labels[label]] = sums.get(labels[label], 0.0) + value
        return sums

    def since(self, before: "Samples") -> "Samples":
        """What came on top; a counter that fell began anew with its process, so all of it is new."""
        rises = {k: v - old if v >= (old := before._found.get(k, 0.0)) else v for k, v in self._found.items()}
        return Samples(rises)

    def _matching(self, name: str, labels: Mapping[str, str]) -> list[tuple[dict[str, str], float]]:
        wanted = labels.items()
        return [(dict(k), v) for (n, k), v in self._found.items() if n == name and wanted <= dict(k).items()]


@dataclass(frozen=True, slots=True)
class Scrape:
    """The metrics of a pod, on a node: `now`, and some seconds `before`, if they could be read twice."""

    pod: str
    node: str
    now: Samples
    before: Samples | None = None

    @property
    def recent(self) -> Samples:
        """Counters as they rose between the two, or since the process began where there is only one."""
        return self.now.since(self.before) if self.before else self.now
