"""`neilats replay`: how well each profile would have placed pods on a recorded network."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neilats.commands.asking import as_json_option, console, print_json
from neilats.commands.counting import counting

if TYPE_CHECKING:
    from neilats.replay.protocol import Protocol
    from neilats.replay.run import Outcomes
    from neilats.traces import Trace
    from scoring.forecast import Forecaster

__all__ = ["command"]

EPILOG = """\b
Examples:
  neilats replay rtt_ms.npz --start 250               all profiles on the slices from 250 on
  neilats replay pings.csv --unit s --interval 10     a CSV with time,source,target,rtt_ms in seconds
  neilats replay recordings/ --profiles attainment    what `neilats record` wrote
  neilats replay 'synthetic:lan?nodes=30&seed=2' --plot lan.svg
"""

PLOTS = (".svg", ".png")


@click.command("replay", epilog=EPILOG)
@click.argument("trace")
@click.option(
    "--start",
    metavar="SLICE",
    type=click.IntRange(1),
    help="First slice at which pods are placed; the middle of the trace (or --train-until) if not given.",
)
@click.option(
    "--end", metavar="SLICE", type=click.IntRange(2), help="Use no slice from this one on, not even for outcomes."
)
@click.option(
    "--draws", metavar="N", type=click.IntRange(1, 10_000_000), default=3000, show_default=True, help="Pods to place."
)
@click.option(
    "--candidates",
    metavar="N",
    type=click.IntRange(2),
    help="Nodes to choose from; 20, or all but the peer where there are fewer.",
)
@click.option(
    "--sla-quantile",
    metavar="Q",
    type=click.FloatRange(0, 1),
    default=0.25,
    show_default=True,
    help="The SLA as a quantile of the candidates' round trips in 300 slices.",
)
@click.option(
    "--horizon", metavar="SLICES", type=click.IntRange(1), default=30, show_default=True, help="How long the pod lives."
)
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(0),
    default=7,
    show_default=True,
    help="Of the draws; 7 draws what the reference draws.",
)
@click.option("--profiles", metavar="NAME,...", help="Profiles to compare; all if not given.")
@click.option("--forecaster", "forecaster_name", metavar="NAME", help="What profiles that need a forecast ask.")
@click.option(
    "--models-dir",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="NEILATS_MODELS_DIR",
    show_envvar=True,
    help="Whose promoted models forecast; those of the package if not given.",
)
@click.option("--fresh-only", is_flag=True, help="Drop readings that only repeat an older one.")
@click.option(
    "--mask",
    metavar="K",
    type=click.IntRange(1),
    help="Each node measures K random targets only; outcomes are still known for all.",
)
@click.option(
    "--train-until",
    metavar="SLICE",
    type=click.IntRange(0),
    help="Models have learnt from slices before this one; an earlier --start is refused.",
)
@click.option(
    "--unit",
    type=click.Choice(["s", "ms", "us"]),
    help="Unit of the trace's values; ms if not given, and if that can be.",
)
@click.option(
    "--interval",
    "interval_s",
    metavar="SECONDS",
    type=click.FloatRange(0, 86400, min_open=True),
    help="Time between slices; the trace's own if not given.",
)
@click.option(
    "--plot",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the violation rates as .svg or .png.",
)
@as_json_option
def command(
    trace: str,
    profiles: str | None,
    forecaster_name: str | None,
    models_dir: Path | None,
    unit: str | None,
    interval_s: float | None,
    plot: Path | None,
    as_json: bool,
    **parameters: Any,
) -> None:
    """Replay TRACE through the code that decides in production, and see how often the chosen nodes keep the SLA.

    TRACE is an .npz or .csv file, a recording or a folder of them, or synthetic:lan. For each draw of a time, a peer
    and candidates, every profile picks a node from what was measured before; the same is asked of simple rules and of
    an oracle. Lower violation rates are better.
    """
    names = _profiles(profiles)
    chosen = _forecaster(forecaster_name, models_dir)
    _check_plot(plot)
    from neilats.replay.run import replay
    from neilats.traces import TraceError
    from neilats.traces.opening import open_trace

    try:
        opened = open_trace(trace, unit, interval_s)
        protocol = _protocol(opened, parameters)
        with counting("placing pods", quiet=as_json) as done:
            outcomes = replay(opened, protocol, names, chosen, done)
    except TraceError as e:
        raise click.ClickException(str(e)) from e
    _warn(opened)
    _present(outcomes, opened, protocol, {"trace": trace, "forecaster": chosen.name}, plot, as_json)


def _profiles(given: str | None) -> list[str]:
    from scoring.profiles import PROFILES

    names = list(dict.fromkeys(n.strip() for n in given.split(",") if n.strip())) if given is not None else [*PROFILES]
    if unknown := [n for n in names if n not in PROFILES]:
        raise click.BadParameter(
            f"no profile {', '.join(unknown)}; there are {', '.join(PROFILES)}", param_hint="--profiles"
        )
    if not names:
        raise click.BadParameter(f"names none; there are {', '.join(PROFILES)}", param_hint="--profiles")
    return names


def _forecaster(name: str | None, models_dir: Path | None) -> "Forecaster":
    from models import DEFAULT, forecaster

    try:
        return forecaster(name or DEFAULT, str(models_dir or ""))
    except ValueError as e:
        raise click.BadParameter(str(e), param_hint="--forecaster") from e


def _check_plot(plot: Path | None) -> None:
    """Before the work: a plot that cannot be written should not cost a replay."""
    if plot is None:
        return
    if plot.suffix.lower() not in PLOTS:
        raise click.BadParameter(f"{plot}: expected a name that ends in {' or '.join(PLOTS)}", param_hint="--plot")
    if not plot.absolute().parent.is_dir():
        raise click.BadParameter(f"{plot}: no such folder", param_hint="--plot")
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise click.ClickException("--plot needs matplotlib: pip install 'neilats[train]'")


def _protocol(trace: "Trace", given: dict[str, Any]) -> "Protocol":
    """The protocol with what was not given filled in from the trace."""
    from neilats.replay.protocol import Protocol

    end = given["end"] or len(trace)
    start = given["start"] or max(given["train_until"] or 0, end // 2, 1)
    candidates = given["candidates"] or min(20, len(trace.nodes) - 1)
    return Protocol(**(given | {"start": start, "candidates": candidates}))


def _warn(trace: "Trace") -> None:
    for warning in trace.warnings:
        click.echo(f"warning: {warning}", err=True)


def _present(
    outcomes: "Outcomes",
    trace: "Trace",
    protocol: "Protocol",
    about: dict[str, Any],
    plot: Path | None,
    as_json: bool,
) -> None:
    from dataclasses import asdict

    from neilats.replay.summary import as_json as document
    from neilats.replay.summary import summary
    from scoring.profiles import DEFAULT

    lines = summary(outcomes, DEFAULT)
    shape = {"slices": len(trace), "nodes": len(trace.nodes), "interval_s": trace.interval_s, "sha256": trace.sha256}
    if plot is not None:
        from neilats.replay.show import write_plot

        try:
            write_plot(lines, f"{about['trace']}, {len(outcomes)} draws", plot)
        except OSError as e:
            raise click.ClickException(f"cannot write the plot {plot}: {e.strerror or e}") from e
    if as_json:
        judged = {"judged": len(outcomes), "skipped": asdict(outcomes.skipped), "warnings": list(trace.warnings)}
        print_json(document(lines, DEFAULT, about | asdict(protocol) | {"of": shape} | judged))
        return
    from neilats.commands.tables import put
    from neilats.replay.show import headline, legend, result_table

    out = console()
    out.print(headline(outcomes, trace, protocol), markup=False, soft_wrap=True)
    put(out, result_table(lines, DEFAULT))
    out.print(legend(protocol), style="dim", markup=False, soft_wrap=True)
