"""The seed's future score: how far below the SLA the forecast stays, relative to the forecast.

For forecasts y_1..y_h the score is sum over k of (sla - y_k) / y_k = sla * sum(1 / y_k) - h. The sum of the inverses
does not depend on the SLA, so one number per pair answers every SLA that a pod may ask for.
"""

import numpy as np

from scoring.arrays import Floats

__all__ = ["FLOOR_MS", "future_score", "inverse_sum"]

FLOOR_MS = 1e-3
"""Forecasts are raised to 1 microsecond: a neural network may forecast zero or less, which cannot be divided by,
and no round trip between nodes is shorter."""


def inverse_sum(rtt_ms: Floats) -> Floats:
    """Return ``[n]``: sum over the horizon of 1 / y_k, in 1/ms, for forecasts ``[n, h]``.

    A slot that is forecast lost (+inf) adds 0, so that it costs the full -1 in the score; an unknown slot (NaN) makes
    the row NaN.
    """
    inverse: Floats = (1.0 / np.maximum(rtt_ms, FLOOR_MS)).sum(axis=1)
    return inverse


def future_score(inverse: Floats, sla_ms: float, horizon: int) -> Floats:
    """Return ``[n]``: sla * sum(1 / y_k) - h, from the sums that `inverse_sum` gives for a horizon of h slots."""
    return sla_ms * inverse - horizon
