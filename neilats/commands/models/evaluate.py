"""`neilats models evaluate`: how good a model is, against what needs no training."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neilats.commands.asking import as_json_option, console, print_json
from neilats.commands.models.data import Opened, interval_option, open_all, unit_option
from neilats.commands.models.options import directory_option, reported

if TYPE_CHECKING:
    from models.evaluation import Scores
    from models.registry import Registry
    from models.windows import Cases
    from scoring.forecast import Forecaster

__all__ = ["command"]

EPILOG = """\b
Examples:
  neilats models evaluate lab rtt_ms.npz --start 250
  neilats models evaluate --packaged synthetic:white_noise?seed=5 synthetic:ar?seed=5
  neilats models evaluate lab latency_csv/ --plot lab.svg
"""

MOST_CASES = 20_000
"""Of one DATA; more change no digit that is shown."""


@click.command("evaluate", epilog=EPILOG)
@click.argument("arguments", nargs=-1, required=True, metavar="[NAME] DATA...")
@click.option("--packaged", is_flag=True, help="The package's own model; no NAME then.")
@click.option(
    "--start",
    metavar="SLICE",
    type=click.IntRange(1),
    help="First slice that is forecast; behind what the model was trained on. A trace's middle if not given.",
)
@click.option(
    "--draws",
    metavar="N",
    type=click.IntRange(0, 1_000_000),
    default=500,
    show_default=True,
    help="Pods to place by replay, where DATA is a whole network; 0: none.",
)
@click.option(
    "--plot",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="True against predicted, .svg or .png.",
)
@interval_option
@unit_option
@directory_option
@as_json_option
def command(
    arguments: tuple[str, ...],
    packaged: bool,
    start: int | None,
    draws: int,
    plot: Path | None,
    interval_s: float | None,
    unit: str | None,
    directory: Path,
    as_json: bool,
) -> None:
    """Compare the model NAME with naive forecasts on DATA: the next 30 slots after windows of 30.

    DATA are what `train` takes. MAE and pinball loss judge the forecast round trips; Brier score and calibration the
    probability of breaking an SLA, the window's own 50, 75 and 90 % quantiles; a replay the placement.
    """
    from neilats.commands.models.plot import check_plot

    check_plot(plot)
    with reported():
        registry, name, names = _named(directory, arguments, packaged)
        judged = _loaded(registry, name)
        found = [_judge(judged, one, start, draws) for one in open_all(names, interval_s, unit)]
    if plot is not None:
        _plot(judged, found[0], plot)
    if as_json:
        print_json({"model": name, "data": [one.as_json() for one in found]})
        return
    from neilats.commands.models.evaluated import put_result

    for one in found:
        put_result(console(), one.name, name, one.scores, one.placement)


@dataclass(frozen=True)
class Judged:
    """What is judged."""

    placing: "Forecaster"
    """What replay asks."""
    points: "Forecaster | None"
    """What forecasts round trips; None for a network that only knows SLAs."""


@dataclass(frozen=True)
class Result:
    """What came of one DATA."""

    name: str
    cases: "Cases | None"
    scores: "dict[str, dict[str, Scores]]"
    """Readings (`all`, `fresh`) → forecaster → scores."""
    placement: dict[str, Any] | None
    """As `neilats replay --json`; None where there is no network to place in."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        from neilats.commands.models.evaluated import plain

        scores = {readings: {f: plain(s) for f, s in of.items()} for readings, of in self.scores.items()}
        return {"name": self.name, "scores": scores, "placement": self.placement}


def _named(directory: Path, arguments: tuple[str, ...], packaged: bool) -> "tuple[Registry, str, tuple[str, ...]]":
    """The registry, the model's name, and the data's names."""
    from models.registry import Registry, packaged_directory

    if packaged:
        registry = Registry(packaged_directory())
        shared = registry.serving().shared
        if shared is None:
            raise click.ClickException("the package has no model; name one of your own")
        return registry, shared, arguments
    if len(arguments) < 2:
        raise click.UsageError("Give the NAME of a model (or --packaged) and DATA to evaluate it on.")
    return Registry.standard(directory), arguments[0], arguments[1:]


def _loaded(registry: "Registry", name: str) -> Judged:
    from models.loading import load_estimator, load_forecaster
    from models.runtime.estimator import QuantileEstimator
    from models.runtime.forecast import ForecastNetwork
    from models.runtime.networks import NAIVE, Networks
    from models.runtime.violation import VIOLATION_KIND

    if registry.show(name).kind == VIOLATION_KIND:
        return Judged(Networks(NAIVE, load_estimator(registry, name, 2)), None)
    points = load_forecaster(registry, name, 2)
    if isinstance(points, ForecastNetwork):
        return Judged(Networks(points, QuantileEstimator(points, points.model.manifest.horizon)), points)
    return Judged(points, points)


def _judge(judged: Judged, data: Opened, start: int | None, draws: int) -> Result:
    if start is None and data.trace is not None:
        start = len(data.trace) // 2
    scores: dict[str, dict[str, Scores]] = {}
    cases = None
    if judged.points is not None:
        from models.evaluation import evaluate

        cases = _cases(data, start, fresh=False)
        scores["all"] = evaluate(judged.points, cases)
        if any(source.fresh is not None for source in data.sources):
            scores["fresh"] = evaluate(judged.points, _cases(data, start, fresh=True))
    placement = None if data.trace is None or not draws else _placed(judged, data, start, draws)
    return Result(data.name, cases, scores, placement)


def _cases(data: Opened, start: int | None, *, fresh: bool) -> "Cases":
    import numpy as np

    from models.windows import Cases, cases

    series = [source.fresh or source.series if fresh else source.series for source in data.sources]
    found = [cases(one, start) for one in series]
    joined = Cases(np.concatenate([c.windows for c in found]), np.concatenate([c.futures for c in found]))
    return joined.thinned(MOST_CASES)


def _placed(judged: Judged, data: Opened, start: int | None, draws: int) -> dict[str, Any]:
    from dataclasses import asdict

    from neilats.replay.protocol import Protocol
    from neilats.replay.run import replay
    from neilats.replay.summary import as_json, summary
    from neilats.traces import TraceError

    trace = data.trace
    assert trace is not None
    protocol = Protocol(start or 1, draws=draws, candidates=min(20, len(trace.nodes) - 1))
    try:
        outcomes = replay(trace, protocol, ("forecast", "attainment"), judged.placing)
    except TraceError as e:
        raise click.ClickException(str(e)) from e
    return as_json(summary(outcomes, "forecast"), "forecast", asdict(protocol))


def _plot(judged: Judged, result: Result, path: Path) -> None:
    from neilats.commands.models.plot import write_plot

    if judged.points is None or result.cases is None:
        raise click.ClickException("--plot: a network of violations forecasts no round trips")
    try:
        write_plot(result.cases, judged.points, result.name, path)
    except OSError as e:
        raise click.ClickException(f"cannot write the plot {path}: {e.strerror or e}") from e
