"""The figures of a replay: rates with standard errors, paired differences, regret."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from neilats.replay.run import Outcomes
from scoring.arrays import Floats

__all__ = ["Difference", "Line", "as_json", "summary"]


@dataclass(frozen=True)
class Difference:
    """Mean of the paired differences to another rule; below 0 is better than that."""

    to: str
    mean: float
    se: float


@dataclass(frozen=True)
class Line:
    """One profile or baseline."""

    violation_rate: float
    se: float
    """Standard error over the draws, as if they were independent; draws of neighbouring slices are not quite."""
    mean_rtt_ms: float | None
    """Of the chosen nodes; None if none of them ever answered."""
    regret: float
    """Violation rate above that of the oracle."""
    baseline: bool
    difference: Difference
    """To the default profile, where that took part, else to `rule`; the default profile's own is to `rule`."""


def summary(outcomes: Outcomes, default: str) -> dict[str, Line]:
    """A line for each profile and baseline, the best first; the oracle last, because it does not compete."""
    reference = default if default in outcomes.profiles else "rule"
    lines = {name: _line(outcomes, name, "rule" if name == reference else reference) for name in outcomes.violation}
    return dict(sorted(lines.items(), key=lambda item: (item[0] == "oracle", item[1].violation_rate)))


def _line(outcomes: Outcomes, name: str, other: str) -> Line:
    violation, rtt_ms = outcomes.violation[name], outcomes.mean_rtt_ms[name]
    rate, se = _mean_se(violation)
    answered = rtt_ms[~np.isnan(rtt_ms)]
    return Line(
        violation_rate=rate,
        se=se,
        mean_rtt_ms=float(answered.mean()) if answered.size else None,
        regret=rate - float(outcomes.violation["oracle"].mean()),
        baseline=name not in outcomes.profiles,
        difference=Difference(other, *_mean_se(violation - outcomes.violation[other])),
    )


def _mean_se(values: Floats) -> tuple[float, float]:
    return float(values.mean()), float(values.std() / np.sqrt(len(values)))


def as_json(lines: Mapping[str, Line], default: str, protocol: Mapping[str, Any]) -> dict[str, Any]:
    """The document of `neilats replay --json`."""
    return {
        "profiles": {name: _rounded(asdict(line)) for name, line in lines.items()},
        "default": default,
        "protocol": dict(protocol),
    }


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _rounded(v) if isinstance(v, dict) else round(v, 6) if isinstance(v, float) else v
        for key, v in values.items()
    }
