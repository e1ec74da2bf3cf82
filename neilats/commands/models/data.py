"""Data to train on and to evaluate with, by name: any trace, the old plugin's files, made-up series."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from models.data import Series, Source
    from neilats.traces import Trace

__all__ = ["Opened", "data_argument", "interval_option", "open_all", "unit_option"]

data_argument = click.argument("data", nargs=-1, required=True, metavar="DATA...")

interval_option = click.option(
    "--interval-s",
    metavar="SECONDS",
    type=click.FloatRange(0, 86400, min_open=True),
    help="Length of a slot; a trace's own, and 10 s for time,latency files and fping logs, if not given.",
)

unit_option = click.option(
    "--unit", type=click.Choice(["s", "ms", "us"]), help="Unit of the values; ms if not given, and if that can be."
)


@dataclass(frozen=True)
class Opened:
    """What one name stands for."""

    name: str
    sources: "tuple[Source, ...]"
    """Its paths as series; several for a folder of files."""
    trace: "Trace | None" = None
    """The network, where the name stands for a whole one."""

    def before(self, slot: int) -> "Opened":
        """Return only what lies before this slot; raises DataError where nothing does."""
        if self.trace is not None:
            return _of_trace(self.name, self.trace.sliced(0, slot))
        return Opened(self.name, tuple(source.before(slot) for source in self.sources))

    def about(self) -> dict[str, Any]:
        """What a manifest says of it."""
        first = self.sources[0].series
        shape = {"paths": sum(len(s.series.rtt_ms) for s in self.sources), "slots": first.slots}
        digest = {} if self.trace is None else {"slots": len(self.trace), "sha256": self.trace.sha256}
        name = Path(self.name).name or self.name
        return {"name": name, **shape, **digest, "interval_s": round(first.interval_s, 4)}


def open_all(names: tuple[str, ...], interval_s: float | None = None, unit: str | None = None) -> list[Opened]:
    """Open all names; what is wrong with one is the command line's error."""
    from models.data import DataError
    from neilats.traces import TraceError

    try:
        return [_open(name, interval_s, unit) for name in names]
    except (DataError, TraceError) as e:
        raise click.ClickException(str(e)) from e


def _open(name: str, interval_s: float | None, unit: str | None) -> Opened:
    from models.data import Series, Source, read_path
    from models.synthetic import parse_plan

    plan = parse_plan(name)
    if plan is not None:
        return Opened(name, (Source(Series(name, plan.generate().astype("float32"), interval_s or 10.0)),))
    if _is_trace(name):
        from neilats.traces.opening import open_trace

        return _of_trace(name, open_trace(name, unit, interval_s))
    return Opened(name, tuple(read_path(Path(name), interval_s, unit)))


def _is_trace(name: str) -> bool:
    """Whether the readers of traces know it; a CSV may be of either kind, a folder too."""
    from models.data import is_latency_csv
    from neilats.traces.recorded import SUFFIX
    from neilats.traces.synthetic import PREFIX

    path = Path(name)
    if path.is_dir():
        return any(path.glob(f"*{SUFFIX}"))
    if path.suffix.lower() == ".csv" and path.is_file():
        return not is_latency_csv(path)
    return name.startswith(PREFIX) or path.suffix.lower() in (".npz", SUFFIX)


def _of_trace(name: str, trace: "Trace") -> Opened:
    from models.data import Source

    series, fresh = _series(name, trace), _series(name, trace.fresh_only())
    # Where nothing repeats, the fresh readings are all readings.
    repeats = (series.rtt_ms == series.rtt_ms).sum() > (fresh.rtt_ms == fresh.rtt_ms).sum()
    return Opened(name, (Source(series, fresh if repeats else None),), trace)


def _series(name: str, trace: "Trace") -> "Series":
    from models.data import of_matrix

    return of_matrix(name, trace.rtt_ms, trace.interval_s)
