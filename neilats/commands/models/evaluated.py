"""How `neilats models evaluate` shows what it found."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from neilats.commands.tables import new_table, put

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from models.evaluation import Scores

__all__ = ["plain", "put_result"]

READINGS = {"all": "all readings", "fresh": "fresh readings only: those that repeat an older one are left out"}


def plain(scores: "Scores") -> dict[str, Any]:
    """Scores for JSON."""
    calibration = scores.calibration
    return {
        "cases": scores.cases,
        "mae_ms": scores.mae_ms,
        "mae_ratio": scores.mae_ratio,
        "mae_ratio_alike": scores.mae_ratio_alike,
        "pinball_ms": scores.pinball_ms,
        "brier": {f"{level:g}": value for level, value in scores.brier.items()},
        "calibration_error": calibration.expected_error,
        "reliability": [{"stated": b.stated, "happened": b.happened, "share": b.share} for b in calibration.bins],
    }


def put_result(
    out: "Console",
    data: str,
    model: str,
    scores: "Mapping[str, Mapping[str, Scores]]",
    placement: dict[str, Any] | None,
) -> None:
    """Print the tables of one DATA."""
    for readings, of in scores.items():
        cases = next(iter(of.values())).cases
        out.print(f"{data}: {cases} windows, {READINGS[readings]}.", markup=False, soft_wrap=True)
        put(out, _scores_table(of, model))
        if readings == "all":
            put(out, _reliability_table(of[model]))
    if placement is not None:
        draws = placement["protocol"]["draws"]
        out.print(f"{data}: {draws} pods placed; `forecast` asks {model}.", markup=False, soft_wrap=True)
        put(out, _placement_table(placement))


def _scores_table(of: "Mapping[str, Scores]", model: str) -> "Table":
    """One line for each forecaster; below 1 in the ratios is better than the median."""
    levels = list(next(iter(of.values())).brier)
    names = ["", "MAE\nms", "MAE\nratio", "each window\nalike", "pinball\nms"]
    table = new_table([*names, *(f"Brier at\n{level:.0%}" for level in levels), "calibration\nerror"])
    for name, s in of.items():
        pinball = "-" if s.pinball_ms is None else f"{s.pinball_ms:.4g}"
        table.add_row(
            name,
            f"{s.mae_ms:.4g}",
            f"{s.mae_ratio:.4f}",
            f"{s.mae_ratio_alike:.4f}",
            pinball,
            *(f"{s.brier[level]:.4f}" for level in levels),
            f"{s.calibration.expected_error:.4f}",
            style="bold" if name == model else "",
        )
    return table


def _reliability_table(scores: "Scores") -> "Table":
    """Of the model: what it stated, and what came of it."""
    table = new_table(["P(RTT > SLA)\nstated", "\nhappened", "share of\nstatements"])
    for b in scores.calibration.bins:
        table.add_row(f"{b.stated:.3f}", f"{b.happened:.3f}", f"{b.share:.3f}")
    return table


def _placement_table(placement: dict[str, Any]) -> "Table":
    table = new_table(["", "SLA\nviolated", "±"])
    for name, line in placement["profiles"].items():
        bold = "bold" if name == "forecast" else ""
        table.add_row(name, f"{line['violation_rate']:.4f}", f"{line['se']:.4f}", style=bold)
    return table
