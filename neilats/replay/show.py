"""The results of a replay for people: a table with bars, and a plot as a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from neilats.commands import cells
from neilats.commands.tables import new_table
from neilats.replay.summary import Line

if TYPE_CHECKING:
    from rich.table import Table

    from neilats.replay.protocol import Protocol
    from neilats.replay.run import Outcomes
    from neilats.traces import Trace

__all__ = ["headline", "legend", "result_table", "write_plot"]

BAR: Final = 24
EIGHTHS: Final = "▏▎▍▌▋▊▉█"


def result_table(lines: Mapping[str, Line], default: str) -> "Table":
    """One line for each rule, the best first, with a bar of its violation rate."""
    columns = ("", "SLA\nviolated", "±", "difference", "±", "to", "mean RTT\nms", "regret", "violated")
    table = new_table(columns, left=("to", "violated"))
    widest = max((line.violation_rate for line in lines.values()), default=0.0)
    for name, line in lines.items():
        other = line.difference
        table.add_row(
            f"{name} (default)" if name == default else name,
            f"{line.violation_rate:.4f}",
            f"{line.se:.4f}",
            f"{other.mean:+.4f}",
            f"{other.se:.4f}",
            other.to,
            cells.ms(line.mean_rtt_ms),
            f"{line.regret:.4f}",
            bar(line.violation_rate / widest if widest else 0.0),
            style="dim" if line.baseline else "bold" if name == default else "",
        )
    return table


def bar(share: float) -> str:
    """A share of the widest bar in eighths of a character."""
    eighths = round(share * BAR * 8)
    return "█" * (eighths // 8) + (EIGHTHS[eighths % 8 - 1] if eighths % 8 else "")


def write_plot(lines: Mapping[str, Line], title: str, path: Path) -> None:
    """Horizontal bars of the violation rates, two standard errors each way, as SVG or PNG.

    Raises ImportError without matplotlib (extra `train`), ValueError for another format, OSError.
    """
    from matplotlib.figure import Figure

    names = list(lines)[::-1]
    figure = Figure(figsize=(7, 0.8 + 0.4 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    axes.barh(
        names,
        [lines[n].violation_rate for n in names],
        xerr=[2 * lines[n].se for n in names],
        color=["#9aa5b1" if lines[n].baseline else "#2f6f9f" for n in names],
        error_kw={"elinewidth": 1, "capsize": 3},
    )
    axes.set_xlabel("fraction of the time above the SLA at the chosen node (± 2 standard errors)")
    axes.set_title(title, fontsize="medium", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def headline(outcomes: "Outcomes", trace: "Trace", protocol: "Protocol") -> str:
    """What was replayed, in a sentence."""
    skipped = outcomes.skipped.no_future + outcomes.skipped.no_sla
    end = (protocol.end or len(trace)) - protocol.horizon
    left = f" ({skipped} more could not be judged)" if skipped else ""
    notes = [
        *(["fresh readings only"] if protocol.fresh_only else []),
        *([f"{protocol.mask} targets measured by each node"] if protocol.mask else []),
        *([f"models trained on slices before {protocol.train_until}"] if protocol.train_until is not None else []),
    ]
    return (
        f"{len(outcomes)} pods placed{left} at slices {protocol.start} to {end - 1} of {len(trace)}, "
        f"{protocol.candidates} candidates of {len(trace.nodes)} nodes, {protocol.horizon} slices ahead"
        + "".join(f"; {n}" for n in notes)
        + "."
    )


def legend(protocol: "Protocol") -> str:
    """What the columns mean."""
    return (
        f"SLA violated: fraction of the measured slices above the SLA (the {protocol.sla_quantile:g} quantile of the "
        "candidates' past) at the chosen node.\n"
        "difference: paired, below 0 is better than `to`. Baselines see the raw trace: random, last reading, mean of "
        "30, rule = e100 + .3 v1 + 1.2 xrow, oracle = the future."
    )
