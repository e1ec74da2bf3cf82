"""How `neilats models evaluate` shows what it found."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from neilats.commands.tables import new_table, put

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from models.calibration import Calibration
    from models.evaluation import Scores
    from models.reliability import Reliability
    from neilats.commands.models.judging import Judged, Outlook, Result

__all__ = ["plain", "plain_outlook", "put_result"]

READINGS = {"all": "all readings", "fresh": "fresh readings only: those that repeat an older one are left out"}


def plain(scores: "Scores") -> dict[str, Any]:
    """Scores for JSON."""
    return {
        "cases": scores.cases,
        "mae_ms": scores.mae_ms,
        "mae_ratio": scores.mae_ratio,
        "mae_ratio_alike": scores.mae_ratio_alike,
        "pinball_ms": scores.pinball_ms,
        "brier": {f"{level:g}": value for level, value in scores.brier.items()},
        **_plain_calibration(scores.calibration),
    }


def plain_outlook(outlook: "Outlook") -> dict[str, Any]:
    """What came of stated violations, for JSON."""
    return {
        "statements": outlook.statements,
        "asked": outlook.asked,
        "skill": outlook.skill,
        "forecasters": {"naive": _plain_reliability(outlook.naive), outlook.name: _plain_reliability(outlook.model)},
    }


def _plain_reliability(found: "Reliability") -> dict[str, Any]:
    at_sla = {f"{level:g}": value for level, value in found.by_level.items()}
    return {"brier": found.brier, "brier_at_sla": at_sla, **_plain_calibration(found.calibration)}


def _plain_calibration(found: "Calibration") -> dict[str, Any]:
    bins = [{"stated": b.stated, "happened": b.happened, "share": b.share} for b in found.bins]
    return {"calibration_error": found.expected_error, "reliability": bins}


def put_result(out: "Console", result: "Result", judged: "Judged") -> None:
    """Print the tables of one DATA."""
    for readings, of in result.scores.items():
        assert judged.points is not None
        cases = next(iter(of.values())).cases
        _say(out, f"{result.name}: {cases} windows, {READINGS[readings]}.")
        put(out, _scores_table(of, judged.points.name))
        if readings == "all":
            put(out, _reliability_table(of[judged.points.name].calibration))
    if result.outlook is not None:
        _put_outlook(out, result.name, result.outlook)
    if result.placement is not None:
        draws = result.placement["protocol"]["draws"]
        _say(out, f"{result.name}: {draws} pods placed; `forecast` asks {judged.name}.")
        put(out, _placement_table(result.placement))


def _say(out: "Console", text: str) -> None:
    out.print(text, markup=False, soft_wrap=True)


def _put_outlook(out: "Console", data: str, outlook: "Outlook") -> None:
    """SLAs at quantiles of the candidates' past round trips, as an operator would set them."""
    better = "less" if outlook.skill >= 0 else "more"
    _say(
        out,
        f"{data}: P(RTT > SLA) of {outlook.statements} paths (of {outlook.asked} asked about) against what came; "
        f"{outlook.name} has {abs(outlook.skill):.1%} {better} squared error than the past alone.",
    )
    put(out, _outlook_table(outlook))
    put(out, _reliability_table(outlook.model.calibration))


def _outlook_table(outlook: "Outlook") -> "Table":
    """A line for the past alone and one for the network."""
    levels = list(outlook.model.by_level)
    table = new_table(["", "Brier", *(f"Brier at\n{level:.0%}" for level in levels), "skill", "calibration\nerror"])
    for name, found, skill in (("naive", outlook.naive, 0.0), (outlook.name, outlook.model, outlook.skill)):
        table.add_row(
            name,
            f"{found.brier:.4f}",
            *(f"{found.by_level[level]:.4f}" for level in levels),
            f"{skill:+.1%}" if skill else "0",
            f"{found.calibration.expected_error:.4f}",
            style="bold" if name == outlook.name else "",
        )
    return table


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


def _reliability_table(calibration: "Calibration") -> "Table":
    """Of the model: what it stated, and what came of it."""
    table = new_table(["P(RTT > SLA)\nstated", "\nhappened", "share of\nstatements"])
    for b in calibration.bins:
        table.add_row(f"{b.stated:.3f}", f"{b.happened:.3f}", f"{b.share:.3f}")
    return table


def _placement_table(placement: dict[str, Any]) -> "Table":
    table = new_table(["", "SLA\nviolated", "±"])
    for name, line in placement["profiles"].items():
        bold = "bold" if name == "forecast" else ""
        table.add_row(name, f"{line['violation_rate']:.4f}", f"{line['se']:.4f}", style=bold)
    return table
