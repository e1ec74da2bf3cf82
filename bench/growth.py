"""`python -m bench.growth --out docs/performance`: how figures grow with the nodes, as JSON and as pictures of it.

Each size is measured on its own, by the same code as the table's rows, with fewer repetitions: a curve shows a shape,
the table judges.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import click

from bench import ingest, resident, webhooks
from bench.options import Options
from bench.record import record
from bench.running import say
from bench.timing import BenchError

__all__ = ["PARTS", "main", "measured"]

SIZES = "500,1000,2000,5000,10000"
PODS_A_NODE = 20

Point = Mapping[str, float]
Growth = dict[str, dict[str, Point]]
"""By part and by number of nodes: values by series."""


def _calls(size: int, options: Options, *, whole_nodes: bool) -> Point:
    """Median ms of each kind of call, of ours and of the null extender."""
    pods = 6 if whole_nodes else 40
    times = webhooks.measure(webhooks.Calls(size, whole_nodes, 1, pods), options)
    return {f"{kind}: {who}": median(ms for part in parts for ms in part) for kind, by in times.items()
            for who, parts in by.items()}  # fmt: skip


def _ingest(size: int, options: Options) -> Point:
    """Percent of a core, and the median ms of prioritize calls meanwhile."""
    seconds = 10.0 if options.quick else 20.0
    found = ingest.measure(ingest.Scale(size, seconds, patience_s=60.0), options.null_program())
    if not found.ready:
        raise BenchError(f"only {found.seen.answered} of {size} probers were answered in time")
    return {
        "CPU, % of a core": 100 * found.share,
        "prioritize of 500 names meanwhile, p50 ms": median(found.webhook_ms),
    }


def _memory(size: int, options: Options) -> Point:
    found = resident.measure(size, 64, PODS_A_NODE * size)
    if found.late:
        raise BenchError(found.late)
    return {"64 targets, 20 pods a node": found.full_mb, "before the first report": found.empty_mb}


Part = Callable[[int, Options], Point]
PARTS: Mapping[str, tuple[Part, str, str]] = {
    "names": (lambda size, options: _calls(size, options, whole_nodes=False), "ms, p50", "calls with node names"),
    "fullnodes": (lambda size, options: _calls(size, options, whole_nodes=True), "ms, p50", "calls with whole nodes"),
    "ingest": (_ingest, "% of a core; ms", "reports of 64 targets a node every 10 s"),
    "memory": (_memory, "MB", "the extender's resident memory"),
}
"""How each part is measured, its unit, and its title."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--out", metavar="FOLDER", default="docs/performance", show_default=True, type=click.Path(path_type=Path))
@click.option("--sizes", default=SIZES, show_default=True, help="Numbers of nodes.")
@click.option(
    "--parts", default=",".join(PARTS), show_default=True, help="What to measure; the others stay as they are."
)
@click.option("--quick", is_flag=True, help="Shorter.")
@click.option("--draw", is_flag=True, help="Measure nothing: draw growth.json again.")
def main(out: Path, sizes: str, parts: str, quick: bool, draw: bool) -> None:
    """Measure and draw."""
    wanted = [] if draw else parts.split(",")
    if unknown := set(wanted) - PARTS.keys():
        raise click.UsageError(f"--parts: no part {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    out.mkdir(parents=True, exist_ok=True)
    file = out / "growth.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"parts": {}}
    failed = False
    for part in wanted:
        points, missing = measured(part, [int(size) for size in sizes.split(",")], Options(quick=quick))
        failed |= bool(missing)
        made = record([], Options(quick=quick))
        about = {name: made[name] for name in ("date", "commit", "quick", "machine")}
        kept["parts"][part] = {**about, "points": points, "missing": missing}
        file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    for part, found in kept["parts"].items():
        _draw(part, found, out / f"{part}.svg")
    sys.exit(int(failed))


def measured(part: str, sizes: Sequence[int], options: Options) -> tuple[dict[str, Point], dict[str, str]]:
    """The points by number of nodes, and why others are missing."""
    points: dict[str, Point] = {}
    missing: dict[str, str] = {}
    for size in sizes:
        say(f"growth: {part}: {size:,} nodes")
        try:
            points[str(size)] = PARTS[part][0](size, options)
        except BenchError as e:
            missing[str(size)] = str(e)
            say(f"growth: {part}: {size:,} nodes: {e}")
    return points, missing


def _draw(part: str, found: Mapping[str, Any], file: Path) -> None:
    """Both axes are logarithmic: what grows with the nodes is a line of slope one."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = part  # the same picture for the same numbers
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter

    _, unit, title = PARTS[part]
    sizes = sorted(found["points"], key=int)
    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    for name in found["points"][sizes[0]] if sizes else ():
        style = "--" if name.endswith("null") else "-"
        axes.plot([int(s) for s in sizes], [found["points"][s][name] for s in sizes], style, marker="o", label=name)
    plain = FuncFormatter(lambda value, _: f"{value:,g}")
    axes.set(xscale="log", yscale="log", xlabel="nodes", ylabel=unit, title=f"{title}, {found['date'][:10]}")
    axes.set_xticks([int(size) for size in sizes], minor=False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(plain)
        axis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    axes.grid(alpha=0.3, which="both")
    if sizes:
        axes.legend(fontsize=8)
    figure.savefig(file, metadata={"Date": None}, bbox_inches="tight")
    pyplot.close(figure)


if __name__ == "__main__":
    main()
