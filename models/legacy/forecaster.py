"""An imported model behind the interface of all forecasters."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.errors import ArtefactError
from models.legacy.contract import INPUT, KIND, OUTPUT
from models.runtime.session import Float32s, OnnxModel
from scoring.arrays import Bools, Floats, Ints
from scoring.forecast import QuantileForecast
from scoring.future import FLOOR_MS
from scoring.naive import MedianForecaster
from scoring.paths import Paths
from scoring.quantile import finite_quantile

__all__ = ["MIN_SAMPLES", "PairForecaster", "newest_samples"]

MIN_SAMPLES: Final = 5
"""With fewer returned pings than this the naive forecast answers for a path."""


@dataclass(frozen=True)
class PairForecaster:
    """The old plugin's network of one pair; it may be asked about any path, but was trained on that one.

    Point forecasts are the network's. Its training minimised the squared error, so they are means: the distribution is
    the window's own, moved by what the mean forecast differs from the window's mean. On noise around a level that
    difference vanishes and the naive distribution is left. Losses stay losses.

    A path with fewer than `MIN_SAMPLES` returned pings, or for which the network gives no number, is forecast by the
    median; one that is unmeasured is unknown.
    """

    model: OnnxModel

    def __post_init__(self) -> None:
        manifest = self.model.manifest
        if manifest.kind != KIND or INPUT not in manifest.inputs or OUTPUT not in manifest.outputs:
            raise ArtefactError(f"{self.model.source}: kind {manifest.kind!r}, and this forecaster serves {KIND!r}")

    @property
    def name(self) -> str:
        """The artefact's name."""
        return self.model.manifest.name

    def forecast(self, paths: Paths, horizon: int) -> QuantileForecast:
        """Forecast `horizon` slots after the windows; beyond the network's own horizon its last slot goes on."""
        windows = paths.windows
        naive = MedianForecaster().forecast(paths, horizon)
        enough = np.flatnonzero(np.isfinite(windows).sum(axis=1) >= MIN_SAMPLES)
        if enough.size == 0 or horizon == 0:
            return naive
        points = self._points(windows[enough], horizon)
        usable = np.isfinite(points).all(axis=1)
        return _joined(naive, windows, enough[usable], points[usable])

    def _points(self, windows: Floats, horizon: int) -> Floats:
        """Return ``[m, horizon]``: the network's forecasts, raised to what a round trip can be."""
        inputs = newest_samples(windows, self.model.manifest.window)
        own = self.model.run({INPUT: inputs})[OUTPUT].astype(np.float64)
        slots: Ints = np.minimum(np.arange(horizon), own.shape[1] - 1)
        return np.maximum(own[:, slots], FLOOR_MS)


def _joined(naive: QuantileForecast, windows: Floats, rows: Ints, points: Floats) -> QuantileForecast:
    """Put the network's rows in the place of the naive ones."""
    finite = np.isfinite(windows[rows])
    mean = np.where(finite, windows[rows], 0.0).sum(axis=1) / finite.sum(axis=1)
    moved = naive.quantiles_ms[rows] + (points.mean(axis=1) - mean)[:, None]
    rtt_ms, quantiles_ms = naive.rtt_ms.copy(), naive.quantiles_ms.copy()
    rtt_ms[rows] = points
    quantiles_ms[rows] = np.maximum(moved, FLOOR_MS)
    return QuantileForecast(rtt_ms, naive.levels, quantiles_ms, naive.known)


def newest_samples(windows: Floats, count: int) -> Float32s:
    """Return ``[n, count]``: each row's newest returned pings, without the gaps between them.

    The old recordings held no losses and were irregular, so the network knows samples, not slots. What is missing
    before the first one is the row's median: a level without a step. Every row needs a finite sample.
    """
    finite: Bools = np.isfinite(windows)
    order = np.argsort(finite, axis=1, kind="stable")  # gaps to the front, samples in their order behind them
    packed = np.take_along_axis(np.where(finite, windows, np.nan), order, axis=1)[:, -count:]
    level = finite_quantile(windows, 0.5)[:, None]
    filled = np.where(np.isnan(packed), level, packed)
    missing = count - filled.shape[1]
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and its row the median's
        return np.hstack([np.repeat(level, missing, axis=1), filled]).astype(np.float32)
