"""The numbers behind scores, one row a candidate: what `explain` and `/v1/scores` show.

Kept as columns without the windows: a record of 5,000 candidates is half a megabyte then, and not seven.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from extender.analysis import PathAnalysis
from extender.evaluate import Evaluation
from extender.gather import Direction, Gathered
from extender.violations import PathViolations
from scoring.costs import Status
from scoring.estimates import Estimates
from scoring.paths import summary

__all__ = ["PathTable", "ScoreTable", "estimate_columns", "number", "path_columns"]

Columns: TypeAlias = dict[str, NDArray[np.float64]]


@dataclass
class PathTable:
    """What was known of the candidates' paths to one peer."""

    peer: str
    direction: NDArray[np.int8]
    samples: NDArray[np.int64]
    columns: Columns
    forecaster: Sequence[str] = ()
    """[n]: who made the forecast that counted; if none did, the one that is shown."""
    decided: bool = False
    """Whether a forecast counted."""

    @classmethod
    def of(cls, gathered: Gathered) -> "PathTable":
        """Summarise gathered paths."""
        samples, columns = path_columns(gathered.paths.windows, gathered.age_s)
        if gathered.estimates is not None:
            columns |= estimate_columns(gathered.estimates)
        return cls(gathered.peer, gathered.direction, samples, columns)

    def decided_by(self, forecaster: Sequence[str]) -> None:
        """Say whose forecast made the costs."""
        self.forecaster, self.decided = forecaster, True

    def show(self, more: Columns) -> None:
        """Add columns; they are replaced as a whole, because another thread may be reading them."""
        self.columns = self.columns | more

    def add(self, analysis: PathAnalysis, sla_ms: float | None) -> None:
        """Add what was computed after the answer."""
        more = {"forecast_ms": analysis.forecast_ms, "adf_score": analysis.adf_score}
        self.show(more | ({} if sla_ms is None else {"future_score": analysis.future(sla_ms)}))
        if not self.decided:
            self.forecaster = analysis.forecaster

    def add_violations(self, violations: PathViolations) -> None:
        """Add both forecasts of violations, and how wrong each has been for these candidates."""
        more = {"violation_naive": violations.naive}
        if violations.name:
            brier_model, brier_naive = violations.brier
            more |= {"violation_model": violations.model, "brier_model": brier_model, "brier_naive": brier_naive}
        self.show(more)

    def of_one(self, i: int) -> "PathTable":
        """The same of one candidate alone; who made its forecast is left out."""
        one = slice(i, i + 1)
        columns = {name: column[one] for name, column in self.columns.items()}
        return PathTable(self.peer, self.direction[one], self.samples[one], columns)

    def row(self, i: int) -> dict[str, Any]:
        """One candidate's path as JSON."""
        row = {
            "peer": self.peer,
            "direction": Direction(int(self.direction[i])).name.lower(),
            "samples": int(self.samples[i]),
            **{k: number(v[i]) for k, v in self.columns.items()},
        }
        return row | ({"forecaster": self.forecaster[i]} if self.forecaster else {})


@dataclass
class ScoreTable:
    """The scores of n candidates under a profile, and below `paths` every part of them by peer."""

    names: Sequence[str]
    profile: str
    sla_ms: float | None
    evaluation: Evaluation
    paths: list[PathTable] = field(default_factory=list)
    note: str = ""
    """What the scores had to do without."""

    @property
    def unit(self) -> str:
        """The unit of the costs."""
        return self.evaluation.costs.unit

    def add(self, analyses: Sequence[PathAnalysis], violations: Sequence[PathViolations] = ()) -> None:
        """Add ADF scores and forecasts, one analysis for each peer, and with an SLA one forecast of violations."""
        for path, analysis in zip(self.paths, analyses, strict=True):
            path.add(analysis, self.sla_ms)
        for path, found in zip(self.paths, violations, strict=False):
            path.add_violations(found)

    def find(self, node: str) -> int | None:
        """Which candidate this node is."""
        return self.names.index(node) if node in self.names else None

    def name(self, i: int) -> str:
        """A candidate's name."""
        return self.names[i]

    def paths_of(self, i: int, most: int) -> list[PathTable]:
        """A candidate's paths to the first peers, each a table of one row."""
        return [path.of_one(i) for path in self.paths[:most]]

    @property
    def peers(self) -> int:
        """To how many peers there are paths."""
        return len(self.paths)

    def outvoted(self, node: str, failed: Container[str]) -> bool:
        """Whether a candidate that had not failed scored higher than this one."""
        scores = {n: int(s) for n, s in zip(self.names, self.evaluation.scores, strict=True) if n not in failed}
        return node in scores and scores[node] < max(scores.values())

    def rows(self) -> list[dict[str, Any]]:
        """The candidates as JSON, best first."""
        costs, scores = self.evaluation.costs, self.evaluation.scores
        return [
            {
                "node": self.names[i],
                "score": int(scores[i]),
                "cost": number(costs.cost[i]),
                "noise": number(costs.noise[i]),
                "status": Status(int(costs.status[i])).name.lower(),
                "unit": costs.unit,
                "paths": [path.row(i) for path in self.paths],
            }
            for i in np.lexsort((costs.cost, -scores)).tolist()
        ]


def path_columns(windows: NDArray[np.float64], age_s: NDArray[np.float64]) -> tuple[NDArray[np.int64], Columns]:
    """The samples of each window, and what else is shown of a path."""
    stats = summary(windows)
    return stats.samples, {
        "mean_ms": stats.mean_ms,
        "median_ms": stats.median_ms,
        "last_ms": stats.last_ms,
        "loss": stats.loss,
        "age_s": age_s,
        "coverage": stats.coverage,
    }


def estimate_columns(estimates: Estimates) -> Columns:
    """What is shown of estimates: the median, and the interval that should hold four of five."""
    low_ms, high_ms = estimates.interval_ms(0.8)
    return {"estimate_ms": estimates.rtt_ms, "estimate_low_ms": low_ms, "estimate_high_ms": high_ms}


def number(value: float) -> float | str | None:
    """A number fit for JSON: null where nothing is known, `inf` for what was lost throughout."""
    if np.isnan(value):
        return None
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    return round(float(value), 6)
