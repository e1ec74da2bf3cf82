"""`neilats models evaluate`: how good a model is, against what needs no training."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from neilats.commands.asking import as_json_option, console, print_json
from neilats.commands.models.data import interval_option, open_all, unit_option
from neilats.commands.models.options import directory_option, reported

if TYPE_CHECKING:
    from neilats.commands.models.judging import Judged, Result

__all__ = ["command"]

EPILOG = """\b
Examples:
  neilats models evaluate lab rtt_ms.npz --start 250
  neilats models evaluate --packaged synthetic:white_noise?seed=5 synthetic:ar?seed=5
  neilats models evaluate lab latency_csv/ --plot lab.svg
"""


@click.command("evaluate", epilog=EPILOG)
@click.argument("arguments", nargs=-1, required=True, metavar="[NAME] DATA...")
@click.option("--packaged", is_flag=True, help="The package's own models, as a fresh install has them; no NAME then.")
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
    help="Pods to place by replay, and questions about SLAs, where DATA is a whole network; 0: none.",
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
    probability of breaking an SLA: the window's own 50, 75 and 90 % quantiles, and on a whole network the SLAs of a
    replay, with all that the extender would know then; a replay the placement.
    """
    from neilats.commands.models.judging import check_start, judge, load
    from neilats.commands.models.plot import check_plot

    check_plot(plot)
    with reported():
        judged, names = load(directory, arguments, packaged)
        if plot is not None and judged.points is None:
            raise click.UsageError("--plot shows forecast round trips, and this network only knows violations of SLAs.")
        opened = open_all(names, interval_s, unit)
        for one in opened:
            check_start(judged, one, start)
        found = [judge(judged, one, start, draws) for one in opened]
    if plot is not None:
        _plot(judged, found[0], plot)
    if as_json:
        print_json({"model": judged.name, "data": [result.as_json() for result in found]})
        return
    from neilats.commands.models.evaluated import put_result

    for result in found:
        put_result(console(), result, judged)


def _plot(judged: "Judged", result: "Result", path: Path) -> None:
    from neilats.commands.models.plot import write_plot

    assert judged.points is not None
    assert result.cases is not None
    try:
        write_plot(result.cases, judged.points, result.name, path)
    except OSError as e:
        raise click.ClickException(f"cannot write the plot {path}: {e.strerror or e}") from e
