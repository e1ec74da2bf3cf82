"""From an artefact to what serves: the kind in its manifest says who knows how to use it."""

from typing import Final

import numpy as np

from models.errors import ArtefactError
from models.legacy.contract import KIND as SEED_KIND
from models.legacy.forecaster import PairForecaster
from models.registry import Registry
from models.runtime.forecast import FORECAST_KIND, ForecastNetwork
from models.runtime.violation import VIOLATION_KIND, ViolationNetwork
from scoring.forecast import Forecaster
from scoring.paths import Paths

__all__ = ["load_estimator", "load_forecaster"]

_TRIAL_SLA_MS: Final = 1.0


def load_forecaster(registry: Registry, name: str, threads: int) -> Forecaster:
    """Load and try a forecaster of points; raises ArtefactError that names the file."""
    model = registry.load(name, threads)
    if model.manifest.kind == FORECAST_KIND:
        network = ForecastNetwork(model)
        _need(np.isfinite(network.forecast(_trial(), model.manifest.horizon).rtt_ms).all(), model.source)
        return network
    if model.manifest.kind == SEED_KIND:
        return PairForecaster(model)
    raise ArtefactError(
        f"{model.source}: kind {model.manifest.kind!r} forecasts no points; expected {FORECAST_KIND!r} or {SEED_KIND!r}"
    )


def load_estimator(registry: Registry, name: str, threads: int) -> ViolationNetwork:
    """Load and try a network of violations; raises ArtefactError that names the file."""
    model = registry.load(name, threads)
    if model.manifest.kind != VIOLATION_KIND:
        raise ArtefactError(f"{model.source}: kind {model.manifest.kind!r}, expected {VIOLATION_KIND!r}")
    network = ViolationNetwork(model)
    _need(np.isfinite(network.violation(_trial(), _TRIAL_SLA_MS)).all(), model.source)
    return network


def _trial() -> Paths:
    """Ordinary windows without any context: what a network meets in a cluster that has just begun to measure."""
    return Paths.bare(np.random.default_rng(0).uniform(0.5, 1.5, (3, 64)))


def _need(finite: object, source: str) -> None:
    if not finite:
        raise ArtefactError(f"{source}: its answers on ordinary windows are no numbers; train it again")
