"""The plot of `neilats models evaluate`: true against predicted values, and some forecasts as they went on."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from models.windows import Cases
    from scoring.forecast import Forecaster

__all__ = ["check_plot", "write_plot"]

PLOTS: Final = (".svg", ".png")
POINTS: Final = 4_000
EXAMPLES: Final = 3


def check_plot(path: Path | None) -> None:
    """Before the work: a plot that cannot be written should not cost an evaluation."""
    if path is None:
        return
    if path.suffix.lower() not in PLOTS or not path.absolute().parent.is_dir():
        raise click.BadParameter(
            f"{path}: expected a name that ends in {' or '.join(PLOTS)}, in a folder that exists", param_hint="--plot"
        )
    if find_spec("matplotlib") is None:
        raise click.ClickException("--plot needs matplotlib: pip install 'neilats[train]'")


def write_plot(cases: "Cases", forecaster: "Forecaster", title: str, path: Path) -> None:
    """Write it as SVG or PNG; raises OSError."""
    from matplotlib.figure import Figure

    from scoring.paths import Paths

    some = cases.thinned(POINTS // 10)
    points = forecaster.forecast(Paths.bare(some.windows), some.futures.shape[1]).rtt_ms
    figure = Figure(figsize=(11, 5), layout="constrained")
    figure.suptitle(f"{forecaster.name} on {title}", fontsize="medium")
    grid = figure.add_gridspec(EXAMPLES, 2)
    _scatter(figure.add_subplot(grid[:, 0]), some.futures, points)
    for k in range(EXAMPLES):
        row = (2 * k + 1) * len(some) // (2 * EXAMPLES)
        _example(figure.add_subplot(grid[k, 1]), some, points, row, last=k == EXAMPLES - 1)
    figure.savefig(path)


def _scatter(axes: Any, true_ms: Any, points_ms: Any) -> None:
    import numpy as np

    shown = np.isfinite(true_ms) & (true_ms > 0) & np.isfinite(points_ms)
    true_ms, points_ms = true_ms[shown], points_ms[shown]
    step = max(len(true_ms) // POINTS, 1)
    axes.loglog(true_ms[::step], points_ms[::step], ".", markersize=2, alpha=0.4, color="#2f6f9f")
    ends = [min(true_ms.min(), points_ms.min()), max(true_ms.max(), points_ms.max())]
    axes.plot(ends, ends, linewidth=1, color="#9aa5b1")
    axes.set_xlabel("true round trip, ms")
    axes.set_ylabel("predicted, ms")


def _example(axes: Any, cases: "Cases", points_ms: Any, row: int, *, last: bool) -> None:
    window, future = cases.windows[row], cases.futures[row]
    axes.plot(range(-len(window), 0), window, color="#9aa5b1", label="window")
    axes.plot(range(len(future)), future, color="#444444", label="true")
    axes.plot(range(len(future)), points_ms[row], color="#c0504d", label="predicted")
    axes.set_ylabel("ms")
    if last:
        axes.set_xlabel("slot")
        axes.legend(loc="upper left", fontsize="x-small", ncols=3)
