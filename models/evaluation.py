"""How good a forecaster is, against naive ones: errors of points, of quantiles, and of the answer to an SLA."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from models.calibration import Calibration, calibration
from models.windows import Cases
from scoring.arrays import Bools, Floats
from scoring.forecast import Forecast, Forecaster, QuantileForecast
from scoring.naive import DecayedMeanForecaster, MedianForecaster
from scoring.paths import Paths
from scoring.quantile import weighted_quantiles

__all__ = ["NAIVE", "SLA_LEVELS", "Scores", "evaluate"]

NAIVE: Final[Sequence[Forecaster]] = (MedianForecaster(), DecayedMeanForecaster())
"""What a forecaster has to beat; the first one is what ratios are to."""

SLA_LEVELS: Final = (0.5, 0.75, 0.9)
"""Quantiles of a window that serve as SLAs: one that is hard to keep, and easier ones."""

PINBALL_LEVELS: Final = np.array([0.1, 0.25, 0.5, 0.75, 0.9])

BATCH: Final = 5_000
"""Cases at a time: quantiles of all slots at once take much memory."""


@dataclass(frozen=True)
class Scores:
    """One forecaster on n cases; smaller is better everywhere."""

    cases: int
    mae_ms: float
    """Mean absolute error of the points, over all slots with a returned ping."""
    mae_ratio: float
    """Its ratio to the window median's; below 1 is better than that."""
    mae_ratio_alike: float
    """The same with each window's errors divided by its own mean deviation, so that slow paths do not outweigh all."""
    pinball_ms: float | None
    """Mean over five levels; None for a forecaster without quantiles."""
    brier: Mapping[float, float]
    """Level of the window that is the SLA → mean of (P(RTT > SLA) - it was)^2 over slots, losses being above it."""
    calibration: Calibration
    """Of these probabilities."""


Sums: TypeAlias = dict[str, Floats]


def evaluate(forecaster: Forecaster, cases: Cases, naive: Sequence[Forecaster] = NAIVE) -> dict[str, Scores]:
    """Return the scores of a forecaster and of naive ones, by name, on the cases that all of them can answer.

    Raises ValueError where they can answer none.
    """
    horizon = cases.futures.shape[1]
    made = {f.name: _in_batches(f, cases.windows, horizon) for f in (*naive, forecaster)}
    known = np.logical_and.reduce([_answered(forecast) for forecast in made.values()])
    if not known.any():
        raise ValueError(f"{forecaster.name} answers none of {len(cases)} cases")
    kept = Cases(cases.windows[known], cases.futures[known])
    base = made[naive[0].name].rtt_ms[known]
    return {name: _scores(kept, _rows(forecast, known), base) for name, forecast in made.items()}


def _in_batches(forecaster: Forecaster, windows: Floats, horizon: int) -> QuantileForecast:
    parts = [
        _with_quantiles(forecaster.forecast(Paths.bare(windows[at : at + BATCH]), horizon))
        for at in range(0, len(windows), BATCH)
    ]
    return QuantileForecast(
        np.concatenate([p.rtt_ms for p in parts]),
        parts[0].levels,
        np.concatenate([p.quantiles_ms for p in parts]),
        np.concatenate([p.known for p in parts]),
    )


def _with_quantiles(forecast: Forecast) -> QuantileForecast:
    """A forecast that knows points only is taken at its word: all mass lies on them."""
    if isinstance(forecast, QuantileForecast):
        return forecast
    return QuantileForecast(forecast.rtt_ms, PINBALL_LEVELS, np.quantile(forecast.rtt_ms, PINBALL_LEVELS, axis=1).T,
                            forecast.known)  # fmt: skip


def _answered(forecast: QuantileForecast) -> Bools:
    answered: Bools = forecast.known & np.isfinite(forecast.rtt_ms).all(axis=1)
    return answered


def _rows(forecast: QuantileForecast, rows: Bools) -> QuantileForecast:
    return QuantileForecast(forecast.rtt_ms[rows], forecast.levels, forecast.quantiles_ms[rows], forecast.known[rows])


def _scores(cases: Cases, forecast: QuantileForecast, base: Floats) -> Scores:
    error, naive = _absolute(cases.futures, forecast.rtt_ms), _absolute(cases.futures, base)
    own = _own_scale(cases.windows)
    stated, broken, weight = zip(*(_sla(cases, forecast, level) for level in SLA_LEVELS), strict=True)
    brier = {level: _brier(*parts) for level, *parts in zip(SLA_LEVELS, stated, broken, weight, strict=True)}
    return Scores(
        cases=len(cases),
        mae_ms=float(error.sum() / np.isfinite(cases.futures).sum()),
        mae_ratio=_ratio(error, naive),
        mae_ratio_alike=_ratio(error / own, naive / own),
        pinball_ms=_pinball(cases.futures, forecast),
        brier=brier,
        calibration=calibration(np.concatenate(stated), np.concatenate(broken), np.concatenate(weight)),
    )


def _absolute(futures: Floats, points: Floats) -> Floats:
    """``[n, h]``: 0 where no ping returned."""
    measured = np.isfinite(futures)
    return np.where(measured, np.abs(np.where(measured, futures, 0.0) - points), 0.0)


def _ratio(error: Floats, base: Floats) -> float:
    """1 where both are exact."""
    total = float(base.sum())
    return float(error.sum()) / total if total > 0 else (1.0 if not error.any() else np.inf)


def _own_scale(windows: Floats) -> Floats:
    """``[n, 1]`` ms: the mean deviation of a window from its mean, at least a hundredth of that mean."""
    finite = np.isfinite(windows)
    count = finite.sum(axis=1, keepdims=True)
    values = np.where(finite, windows, 0.0)
    mean = values.sum(axis=1, keepdims=True) / count
    deviation: Floats = (np.abs(values - mean) * finite).sum(axis=1, keepdims=True) / count
    scale: Floats = np.maximum(deviation, np.maximum(0.01 * mean, 1e-9))
    return scale


def _pinball(futures: Floats, forecast: QuantileForecast) -> float | None:
    """Koenker and Bassett's check function, mean over the levels and the returned pings."""
    if not np.isfinite(forecast.quantiles_ms).all():
        return None  # the naive quantiles of a window with losses reach infinity
    quantiles = np.stack([np.interp(PINBALL_LEVELS, forecast.levels, row) for row in forecast.quantiles_ms])
    measured = np.isfinite(futures)
    error = np.where(measured, futures, 0.0)[:, None, :] - quantiles[:, :, None]
    level = PINBALL_LEVELS[None, :, None]
    loss = np.maximum(level * error, (level - 1.0) * error) * measured[:, None, :]
    return float(loss.sum() / (measured.sum() * PINBALL_LEVELS.size))


def _sla(cases: Cases, forecast: QuantileForecast, level: float) -> tuple[Floats, Floats, Floats]:
    """``[n]`` each: the stated probability, the share of measured slots above the SLA, and how many these are."""
    returned = np.where(np.isfinite(cases.windows), cases.windows, np.nan)
    sla_ms = weighted_quantiles(returned, np.ones(returned.shape[1]), np.array([level]))[:, 0]
    # `violation` takes one SLA for all; in units of their own SLAs, all have the same one.
    unit = np.maximum(sla_ms, 1e-9)[:, None]
    relative = QuantileForecast(forecast.rtt_ms, forecast.levels, forecast.quantiles_ms / unit, forecast.known)
    measured = ~np.isnan(cases.futures)
    above = (cases.futures / unit > 1.0 + 1e-12) & measured
    count = measured.sum(axis=1).astype(np.float64)
    return relative.violation(1.0 + 1e-12), above.sum(axis=1) / count, count


def _brier(stated: Floats, broken: Floats, weight: Floats) -> float:
    """Mean over slots: (p - 1)^2 for the share that broke the SLA, p^2 for the other."""
    score = broken * (stated - 1.0) ** 2 + (1.0 - broken) * stated**2
    return float((score * weight).sum() / weight.sum())
