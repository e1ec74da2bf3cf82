"""Which sections there are: adding one is one line here, and a module with `rows()` or `rows(options)`."""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module

from bench.options import Options
from bench.timing import Row

__all__ = ["SECTIONS", "Section", "chosen"]


@dataclass(frozen=True)
class Section:
    """A module that yields rows, and about how long that takes on two cores."""

    name: str
    module: str
    typical_s: float
    about: str

    def rows(self, options: Options) -> Iterator[Row]:
        """Measure."""
        make = import_module(self.module).rows
        made: Iterator[Row] = make(options) if inspect.signature(make).parameters else make()
        return made


SECTIONS: Sequence[Section] = (
    Section("adf", "bench.adf", 10, "the batched ADF test against a loop of adfuller"),
    Section("start", "bench.start", 15, "the extender from its start until it is ready"),
    Section("inference", "bench.inference", 20, "the package's networks against a plain LSTM"),
    Section("memory", "bench.memory", 30, "memory of an extender that forecasts 5,000 paths"),
    Section("estimates", "bench.estimates", 75, "estimates of what nobody measured, against simple rules"),
    Section("names", "bench.names", 90, "kube-scheduler's calls with node names, against the null extender"),
    Section("firstpod", "bench.firstpod", 60, "the first pod of a new peer among 5,000 candidates"),
    Section("accuracy", "bench.accuracy", 55, "the prober's sockets beside ping"),
    Section("prober", "bench.prober", 110, "a prober of 1,000 targets: CPU and memory"),
    Section("fullnodes", "bench.fullnodes", 150, "kube-scheduler's calls with whole Node objects"),
    Section("resident", "bench.resident", 180, "memory at 5,000 nodes x 64 targets with 100,000 pods"),
    Section("soak", "bench.soak", 220, "one hour's load in a few minutes: memory, losses, p99"),
    Section("ingest", "bench.ingest", 300, "5,000 probers' reports: CPU, losses, webhooks meanwhile"),
    Section("throughput", "bench.throughput", 1800, "2,000 pods through a real kube-scheduler"),
)


def chosen(names: Sequence[str] = (), sections: Sequence[Section] = SECTIONS) -> list[Section]:
    """The named sections or all, the shortest first; raises ValueError of a name that does not exist."""
    known = {section.name: section for section in sections}
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ValueError(f"no section {name!r}{hint}: there are {', '.join(known)}")
    found = [known[name] for name in dict.fromkeys(names)] if names else list(sections)
    return sorted(found, key=lambda section: section.typical_s)
