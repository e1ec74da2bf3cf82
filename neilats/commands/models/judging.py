"""What `neilats models evaluate` does with one model and one DATA."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neilats.commands.models.data import Opened
from neilats.commands.models.options import check_known

if TYPE_CHECKING:
    from models.evaluation import Scores
    from models.manifest import Manifest
    from models.registry import Registry
    from models.reliability import Reliability
    from models.runtime.networks import Networks
    from models.windows import Cases
    from neilats.replay.protocol import Protocol
    from scoring.forecast import Forecaster

__all__ = ["Judged", "Outlook", "Result", "check_start", "judge", "load"]

MOST_CASES = 20_000
"""Of one DATA; more change no digit that is shown."""

THREADS = 2


@dataclass(frozen=True)
class Judged:
    """What is judged."""

    name: str
    placing: "Forecaster"
    """What replay asks."""
    points: "Forecaster | None"
    """What forecasts round trips; None for a network that only knows SLAs."""
    manifests: "tuple[Manifest, ...]"

    @property
    def estimator(self) -> Any:
        """What answers for SLAs, a `models.runtime.estimator.ViolationEstimator`; None for a pair's old network."""
        return getattr(self.placing, "estimator", None)


@dataclass(frozen=True)
class Outlook:
    """How a network's violations came true, beside those of the past alone."""

    name: str
    """The network's."""
    model: "Reliability"
    naive: "Reliability"
    statements: int
    """Paths that both spoke of."""
    asked: int

    @property
    def skill(self) -> float:
        """As the extender has it: 1 - model / naive; above 0 the network is better."""
        import numpy as np

        from scoring.skill import skill

        return float(skill(np.array(self.model.brier), np.array(self.naive.brier)))


@dataclass(frozen=True)
class Result:
    """What came of one DATA."""

    name: str
    cases: "Cases | None"
    scores: "dict[str, dict[str, Scores]]"
    """Readings (`all`, `fresh`) → forecaster → scores."""
    outlook: Outlook | None
    """None where there is no network to ask about, or nothing that answers for SLAs."""
    placement: dict[str, Any] | None
    """As `neilats replay --json`; None where there is no network to place in."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        from neilats.commands.models.evaluated import plain, plain_outlook

        scores = {readings: {f: plain(s) for f, s in of.items()} for readings, of in self.scores.items()}
        violation = None if self.outlook is None else plain_outlook(self.outlook)
        return {"name": self.name, "scores": scores, "violation": violation, "placement": self.placement}


def load(directory: Path, arguments: tuple[str, ...], packaged: bool) -> tuple[Judged, tuple[str, ...]]:
    """Return the model that the arguments name, and the names of the data; raises ModelError."""
    from models.registry import Registry, packaged_directory

    if packaged:
        return _packaged(Registry(packaged_directory())), arguments
    if len(arguments) < 2:
        raise click.UsageError("Give the NAME of a model (or --packaged) and DATA to evaluate it on.")
    registry = Registry.standard(directory)
    check_known(registry, arguments[0])
    return _loaded(registry, arguments[0]), arguments[1:]


def _packaged(registry: "Registry") -> Judged:
    from models.loading import load_estimator, load_forecaster

    serving = registry.serving()
    if serving.shared is None:
        raise click.ClickException("the package has no model; name one of your own")
    points = load_forecaster(registry, serving.shared, THREADS)
    networks = _by_quantiles(points)
    if serving.violation is not None:
        from models.runtime.networks import Networks

        networks = Networks(points, load_estimator(registry, serving.violation, THREADS))
    manifests = tuple(registry.show(name) for name in sorted(serving.names()))
    return Judged(networks.name, networks, points, manifests)


def _loaded(registry: "Registry", name: str) -> Judged:
    from models.loading import load_estimator, load_forecaster
    from models.runtime.networks import NAIVE, Networks
    from models.runtime.violation import VIOLATION_KIND

    manifest = registry.show(name)
    if manifest.kind == VIOLATION_KIND:
        return Judged(name, Networks(NAIVE, load_estimator(registry, name, THREADS)), None, (manifest,))
    points = load_forecaster(registry, name, THREADS)
    return Judged(name, _by_quantiles(points), points, (manifest,))


def _by_quantiles(points: "Forecaster") -> "Networks | Forecaster":
    """A network that knows quantiles answers for SLAs too; a pair's old one does not."""
    from models.runtime.estimator import QuantileEstimator
    from models.runtime.forecast import ForecastNetwork
    from models.runtime.networks import Networks

    if isinstance(points, ForecastNetwork):
        return Networks(points, QuantileEstimator(points, points.model.manifest.horizon))
    return points


def check_start(judged: Judged, data: Opened, start: int | None) -> None:
    """Warn on standard error where the model is judged on what it learnt from: that flatters it."""
    if data.trace is None:
        return
    first = _start(data, start) or 0
    for manifest in judged.manifests:
        learnt = _learnt_until(manifest, data)
        if first < learnt:
            click.echo(
                f"warning: {manifest.name} had the slices before {learnt} of {data.name} to learn from, and is judged "
                f"from {first} on, which flatters it; use --start {learnt} or later, or other data",
                err=True,
            )


def _learnt_until(manifest: "Manifest", data: Opened) -> int:
    """The slice before which this trace was learnt from, 0 if it was not; told by its digest."""
    trace = data.trace
    assert trace is not None
    entries = manifest.data.get("from")
    for entry in entries if isinstance(entries, list) else ():
        slots, digest = (entry.get(key) for key in ("slots", "sha256")) if isinstance(entry, dict) else (None, None)
        if isinstance(slots, int) and 0 < slots <= len(trace) and trace.sliced(0, slots).sha256 == digest:
            return slots
    return 0


def judge(judged: Judged, data: Opened, start: int | None, draws: int) -> Result:
    """Judge a model on one DATA from slice `start` on; of a trace from its middle on where that is None."""
    from neilats.traces import TraceError

    start = _start(data, start)
    scores: dict[str, dict[str, Scores]] = {}
    cases = None
    if judged.points is not None:
        from models.evaluation import evaluate

        cases = _cases(data, start, fresh=False)
        scores["all"] = evaluate(judged.points, cases)
        if any(source.fresh is not None for source in data.sources):
            scores["fresh"] = evaluate(judged.points, _cases(data, start, fresh=True))
    elif data.trace is None:
        raise click.ClickException(f"{data.name}: {judged.name} only knows SLAs between nodes; give a whole network")
    if data.trace is None or not draws:
        return Result(data.name, cases, scores, None, None)
    try:
        return Result(
            data.name, cases, scores, _outlook(judged, data, start, draws), _placed(judged, data, start, draws)
        )
    except TraceError as e:
        raise click.ClickException(f"{data.name}: {e}") from e


def _start(data: Opened, start: int | None) -> int | None:
    return len(data.trace) // 2 if start is None and data.trace is not None else start


def _cases(data: Opened, start: int | None, *, fresh: bool) -> "Cases":
    import numpy as np

    from models.windows import Cases, cases

    series = [source.fresh or source.series if fresh else source.series for source in data.sources]
    found = [cases(one, start) for one in series]
    joined = Cases(np.concatenate([c.windows for c in found]), np.concatenate([c.futures for c in found]))
    return joined.thinned(MOST_CASES)


def _outlook(judged: Judged, data: Opened, start: int | None, draws: int) -> Outlook | None:
    if judged.estimator is None:
        return None
    from models.reliability import reliability
    from neilats.replay.reliability import statements

    assert data.trace is not None
    found = statements(data.trace, _protocol(data, start, draws), judged.estimator)
    model, naive = (reliability(stated, found.happened, found.level) for stated in (found.model, found.naive))
    return Outlook(judged.estimator.name, model, naive, len(found), found.asked)


def _placed(judged: Judged, data: Opened, start: int | None, draws: int) -> dict[str, Any]:
    from neilats.replay.run import replay
    from neilats.replay.summary import as_json, summary

    assert data.trace is not None
    protocol = _protocol(data, start, draws)
    outcomes = replay(data.trace, protocol, ("forecast", "attainment"), judged.placing)
    return as_json(summary(outcomes, "forecast"), "forecast", asdict(protocol))


def _protocol(data: Opened, start: int | None, draws: int) -> "Protocol":
    from neilats.replay.protocol import Protocol

    assert data.trace is not None
    return Protocol(start or 1, draws=draws, candidates=min(20, len(data.trace.nodes) - 1))
