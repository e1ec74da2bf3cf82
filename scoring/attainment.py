"""The default profile: which share of the time ahead will break the SLA.

With an SLA the cost is the best simple rule known on recorded traces (violation rate .282 where the mean of the window
gives .318, the last sample .302 and random choice .724):

    e + .3 v1 + 1.2 x, divided by the sum of the weights, so that it is an expected fraction in 0..1

* e: the decayed fraction of past samples above the SLA, half-life 100 slots;
* v1: whether the last sample is above it;
* x: how likely the candidate's own link noise, pooled over all its paths, exceeds SLA - floor of the path.

A loss is above every SLA, so it counts in all three. Without an SLA the cost is an expected time in ms, in which a loss
costs a retransmission timeout.
"""

import numpy as np

from scoring.arrays import Bools, Floats
from scoring.costs import Costs, status_of
from scoring.decay import decayed_mean
from scoring.forecast import Forecast
from scoring.level import current_level
from scoring.memory import violation
from scoring.noise import exceed, window_floor
from scoring.paths import Paths, last_value
from scoring.quantile import finite_quantile

__all__ = ["RTO_MS", "UNKNOWN_VIOLATION", "attainment", "expected_rtt", "naive_violation", "violation_noise"]

HALF_LIFE_SLOTS = 100.0
"""Of the decayed fraction; flat between 50 and 300 on recorded traces."""

LAST_WEIGHT = 0.3
NOISE_WEIGHT = 1.2

MEMORY_SAMPLES: tuple[float, float, float] = (10.0, 60.0, 1.0)
"""How many of the window's samples each half-life of the long memory (5 min, 1 h, 24 h) can outweigh at most: it stands
for what has left the window, so the hour counts most and yesterday only breaks ties."""

UNKNOWN_VIOLATION = 0.5
"""The cost of an unmeasured path with an SLA: worse than one that mostly keeps it, better than one that does not."""

RTO_MS = 200.0
"""A lost packet costs at least one TCP retransmission timeout; Linux never waits less (TCP_RTO_MIN, HZ / 5)."""

_MAD_TO_SIGMA = 1.4826
"""The standard deviation of a normal distribution over its median absolute deviation."""


def attainment(paths: Paths, sla_ms: float | None, forecast: Forecast | None = None) -> Costs:
    """Return the expected violation of the SLA, or without one the expected RTT in ms.

    The forecast is not used: this profile is the naive answer that forecasts have to beat.
    """
    return expected_rtt(paths) if sla_ms is None else _expected_violation(paths, sla_ms)


def naive_violation(paths: Paths, sla_ms: float) -> Floats:
    """Return ``[n]``: P(RTT > SLA) as the past had it, the decayed share of window and memory; NaN where unknown.

    What a forecast of violations has to beat.
    """
    share, _ = _blended_violation(paths, sla_ms)
    return np.where(paths.measured, share, np.nan)


def _expected_violation(paths: Paths, sla_ms: float) -> Costs:
    measured = paths.measured
    share, samples = _blended_violation(paths, sla_ms)
    floor = window_floor(paths.windows)
    # A path that never answered has no floor; nothing is known of it but its losses, which e and v1 count.
    parts = np.stack([share, _above(last_value(paths.windows), sla_ms), exceed(paths.noise, sla_ms - floor)])
    weights = np.array([1.0, LAST_WEIGHT, NOISE_WEIGHT])[:, None] * ~np.isnan(parts)
    total = np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)
    cost = np.where(measured, (weights * np.nan_to_num(parts)).sum(axis=0) / total, UNKNOWN_VIOLATION)
    noise = np.where(measured, violation_noise(cost, samples), 0.0)
    return Costs(cost, noise, status_of(paths.windows, measured), "violation")


def violation_noise(share: Floats, samples: Floats) -> Floats:
    """Return ``[n]``: the standard error of a share of violations that rests on so many samples.

    Half a violation and half a success are added (Jeffreys' prior), or ten clean samples would be certain.
    """
    smooth = (share * samples + 0.5) / (samples + 1.0)
    noise: Floats = np.sqrt(smooth * (1.0 - smooth) / (samples + 1.0))
    return noise


def expected_rtt(paths: Paths) -> Costs:
    """Return the expected RTT in ms: the decayed mean of the present level, each loss costing a retransmission timeout.

    Forecasts do not enter: theirs are medians, good where single readings are noise, late where a link has worsened.
    """
    measured = paths.measured
    present, silent = current_level(paths.windows)
    mean = decayed_mean(paths.windows, present & np.isfinite(paths.windows), HALF_LIFE_SLOTS)
    loss, samples = _blended_violation(paths, np.inf)
    loss = np.where(silent, 1.0, loss)  # not a lossy path but a broken one, until it answers again
    answered = measured & (mean.samples > 0)
    loss = np.where(answered, np.clip(loss, 0.0, 1.0), 0.0)
    cost = np.where(answered, mean.value + loss * RTO_MS, np.inf)
    stand_in = float(np.median(cost[answered])) if answered.any() else 0.0
    cost = np.where(measured, cost, stand_in)
    loss_variance = loss * (1.0 - loss) / np.maximum(samples, 1.0)
    spread = _robust_sigma(paths.windows)
    variance = np.where(answered, spread**2 / np.maximum(mean.samples, 1.0) + RTO_MS**2 * loss_variance, 0.0)
    return Costs(cost, np.sqrt(variance), status_of(paths.windows, measured), "ms")


def _blended_violation(paths: Paths, sla_ms: float) -> tuple[Floats, Floats]:
    """Return the decayed fraction of samples above the SLA (an infinite one asks for the losses), and its samples.

    The window counts with its effective sample size, each half-life of the memory with at most `MEMORY_SAMPLES`.
    """
    above = np.isposinf(paths.windows) if np.isposinf(sla_ms) else paths.windows > sla_ms
    window = decayed_mean(above, ~np.isnan(paths.windows), HALF_LIFE_SLOTS)
    remembered, weight = violation(paths.memory, sla_ms)
    weight = np.minimum(weight, np.array(MEMORY_SAMPLES))
    samples = window.samples + weight.sum(axis=1)
    sum_above = window.samples * np.nan_to_num(window.value) + (weight * np.nan_to_num(remembered)).sum(axis=1)
    share = np.where(samples > 0, sum_above / np.where(samples > 0, samples, 1.0), np.nan)
    return share, samples


def _above(value: Floats, sla_ms: float) -> Floats:
    """Return 1 where a value is above the SLA or lost, 0 where it keeps it, NaN where there is none."""
    known: Bools = ~np.isnan(value)
    return np.where(known, np.isposinf(value) | (value > sla_ms), np.nan)


def _robust_sigma(windows: Floats) -> Floats:
    """Return ``[n]``: each row's standard deviation by its median absolute deviation; 0 without a finite sample."""
    centre = finite_quantile(windows, 0.5)[:, None]
    finite = np.isfinite(windows)
    deviation = np.abs(np.where(finite, windows, np.nan) - np.where(np.isnan(centre), 0.0, centre))
    return np.nan_to_num(_MAD_TO_SIGMA * finite_quantile(deviation, 0.5))
