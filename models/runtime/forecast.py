"""The shared network of point forecasts and quantiles: one model for all pairs, which knows no SLA."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from models.errors import ArtefactError
from models.runtime.filling import enough_samples, filled
from models.runtime.session import OnnxModel
from scoring.arrays import Floats, Ints
from scoring.forecast import QuantileForecast
from scoring.future import FLOOR_MS
from scoring.paths import Paths

__all__ = ["FORECAST_KIND", "POINTS", "QUANTILES", "WINDOW", "ForecastNetwork"]

FORECAST_KIND: Final = "forecast"

WINDOW: Final = "window"
"""``[n, w]``: RTT in ms, oldest first, filled as `models.runtime.filling` says."""
POINTS: Final = "rtt_ms"
"""``[n, h]``: point forecasts in ms, next slot first."""
QUANTILES: Final = "quantiles_ms"
"""``[n, q]``: quantiles of RTT over the horizon, ms, at the manifest's ``architecture.levels``."""


@dataclass(frozen=True)
class ForecastNetwork:
    """A `scoring.forecast.Forecaster`; raises ArtefactError for a model that is not one of this kind."""

    model: OnnxModel

    def __post_init__(self) -> None:
        manifest, source = self.model.manifest, self.model.source
        if manifest.kind != FORECAST_KIND:
            raise ArtefactError(f"{source}: kind {manifest.kind!r}, expected {FORECAST_KIND!r}")
        if manifest.inputs != {WINDOW: ["n", manifest.window]}:
            raise ArtefactError(f"{source}: inputs {manifest.inputs}, expected {WINDOW!r} of {manifest.window} slots")
        expected = {POINTS: ["n", manifest.horizon], QUANTILES: ["n", len(self.levels)]}
        if manifest.outputs != expected:
            raise ArtefactError(f"{source}: outputs {manifest.outputs}, expected {expected}")

    @property
    def name(self) -> str:
        """The artefact's name."""
        return self.model.manifest.name

    @cached_property
    def levels(self) -> Floats:
        """``[q]``: the levels of the quantiles; raises ArtefactError where the manifest has none that can be."""
        raw = self.model.manifest.architecture.get("levels")
        if not isinstance(raw, list) or not raw or not all(_is_level(level) for level in raw):
            raise ArtefactError(f"{self.model.source}: its manifest needs architecture.levels, numbers from 0 to 1")
        levels = np.array(raw, dtype=np.float64)
        if (np.diff(levels) <= 0).any():
            raise ArtefactError(f"{self.model.source}: architecture.levels do not ascend: {raw}")
        return levels

    def forecast(self, paths: Paths, horizon: int) -> QuantileForecast:
        """Forecast `horizon` slots; beyond the network's own the last one goes on. Thin rows are unknown."""
        n = len(paths.windows)
        rtt_ms, quantiles_ms = np.full((n, horizon), np.nan), np.full((n, self.levels.size), np.nan)
        known = np.zeros(n, dtype=bool)
        rows = np.flatnonzero(paths.known & enough_samples(paths.windows, self.model.manifest.window))
        if rows.size:
            points, quantiles = self._run(paths.windows[rows], horizon)
            usable = np.isfinite(points).all(axis=1) & np.isfinite(quantiles).all(axis=1)
            rows = rows[usable]
            rtt_ms[rows], quantiles_ms[rows], known[rows] = points[usable], quantiles[usable], True
        return QuantileForecast(rtt_ms, self.levels, quantiles_ms, known)

    def _run(self, windows: Floats, horizon: int) -> tuple[Floats, Floats]:
        """Return ``[m, horizon]`` and ``[m, q]``, raised to what a round trip can be, quantiles in order."""
        outputs = self.model.run({WINDOW: filled(windows, self.model.manifest.window)})
        own = outputs[POINTS].astype(np.float64)
        slots: Ints = np.minimum(np.arange(horizon), own.shape[1] - 1)
        quantiles = np.sort(outputs[QUANTILES].astype(np.float64), axis=1)
        return np.maximum(own[:, slots], FLOOR_MS), np.maximum(quantiles, FLOOR_MS)


def _is_level(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1
