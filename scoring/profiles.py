"""The scoring profiles by name: what the settings and the annotation `neilats.io/profile` can ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Protocol, TypeAlias

from scoring.attainment import attainment
from scoring.costs import Costs, Status, Unit
from scoring.forecast import Forecast
from scoring.forecasting import forecast_cost
from scoring.paths import Paths
from scoring.seed import seed

__all__ = ["DEFAULT", "PROFILES", "CostFunction", "Costs", "Profile", "Status", "Unit"]


Needed: TypeAlias = Literal["points", "violations"]


class CostFunction(Protocol):
    """A profile's formula: pure, and vectorised over the candidates."""

    def __call__(self, paths: Paths, sla_ms: float | None, forecast: Forecast | None = None) -> Costs:
        """Return the costs of the candidates, given what they promise to keep, if anything."""
        ...


@dataclass(frozen=True)
class Profile:
    """A profile and what it needs, so that callers compute nothing expensive in vain."""

    name: str
    cost: CostFunction
    unit: str
    """What its costs mean, for people."""
    needs_adf: bool
    """Whether it reads `Paths.adf_score` (and computes it where the caller did not)."""
    forecast: Needed | None
    """What it reads of a forecast (naive where the caller gave none): points always, violations under an SLA only."""

    def __call__(self, paths: Paths, sla_ms: float | None, forecast: Forecast | None = None) -> Costs:
        """Return the costs of the candidates."""
        return self.cost(paths, sla_ms, forecast)


DEFAULT = "forecast"
"""The profile that replay on recorded traces shows to be best."""

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(
                name="attainment",
                cost=attainment,
                unit="violation: expected fraction of the time above the SLA, 0..1; without an SLA ms: expected RTT",
                needs_adf=False,
                forecast=None,
            ),
            Profile(
                name="forecast",
                cost=forecast_cost,
                unit="violation: forecast fraction of the time above the SLA, 0..1; without an SLA ms: expected RTT",
                needs_adf=False,
                forecast="violations",
            ),
            Profile(
                name="seed",
                cost=seed,
                unit="seed: minus cbrt(LB x ADF x Future), -200..-100; LB is constant",
                needs_adf=True,
                forecast="points",
            ),
        )
    }
)
