"""The long memory of a pair: decayed histograms of RTT at three half-lives.

Pods live for days, a window holds minutes. Each pair keeps, beside its ring of samples, one histogram per half-life;
every sample adds 1 to its bucket, and all buckets halve every half-life. Layout: ``[n, 3, BINS]`` floats, the last
bucket for losses: 408 bytes a pair, and any SLA can be asked of it later.
"""

import numpy as np

from scoring.arrays import Floats, Ints
from scoring.buckets import UNMEASURED, LogGrid

__all__ = ["BINS", "GRID", "HALF_LIVES_S", "bucket_of", "decay_factor", "empty", "mean_ms", "observe", "violation"]

HALF_LIVES_S: tuple[float, float, float] = (300.0, 3600.0, 86400.0)
"""5 minutes, 1 hour, 24 hours: the second axis of a memory."""

GRID = LogGrid(first_ms=0.05, last_ms=5000.0, edge_count=15)
"""16 buckets for RTT, from up to 50 microseconds to above 5 s, each 2.3 times the last, and one for losses."""

BINS: int = GRID.size


def empty(n: int) -> Floats:
    """Return the memory ``[n, 3, BINS]`` of n pairs that were never measured."""
    return np.zeros((n, len(HALF_LIVES_S), BINS))


def bucket_of(rtt_ms: Floats) -> Ints:
    """Return the bucket of each RTT: ``BINS - 1`` for a loss (+inf), -1 for an unmeasured slot (NaN)."""
    return GRID.bucket_of(rtt_ms)


def decay_factor(elapsed_s: Floats | float) -> Floats:
    """Return ``[..., 3]``: what is left of a weight after `elapsed_s` seconds ``[...]``, per half-life.

    Time that runs backwards (a clock that was set) decays nothing, so that weights never grow by themselves.
    """
    elapsed = np.maximum(np.asarray(elapsed_s, dtype=np.float64), 0.0)
    factor: Floats = np.exp2(-elapsed[..., None] / np.array(HALF_LIVES_S))
    return factor


def observe(hist: Floats, rtt_ms: Floats | float, elapsed_s: Floats | float, rows: Ints | None = None) -> None:
    """Decay histograms and add one sample to each, in place.

    Args:
        hist: ``[n, 3, BINS]``, or ``[3, BINS]`` for a single pair; changed in place.
        rtt_ms: ``[k]`` one sample for each updated pair; NaN only decays, +inf is a loss.
        elapsed_s: ``[k]`` or one number: seconds since each pair's last update.
        rows: ``[k]`` which pairs to update, without repeats (a repeated row would be updated once); all if None.
    """
    table = hist if hist.ndim == 3 else hist[None]
    which = np.arange(len(table)) if rows is None else rows
    factor = np.broadcast_to(decay_factor(elapsed_s), (len(which), len(HALF_LIVES_S)))
    table[which] *= factor[:, :, None]
    bucket = np.broadcast_to(bucket_of(np.asarray(rtt_ms, dtype=np.float64)), len(which))
    measured = bucket != UNMEASURED
    table[which[measured], :, bucket[measured]] += 1.0


def violation(hist: Floats, sla_ms: Floats | float) -> tuple[Floats, Floats]:
    """Return the remembered fraction of samples above an SLA, per half-life.

    Args:
        hist: ``[n, 3, BINS]``.
        sla_ms: one SLA, or ``[n]`` one per pair. +inf asks for the losses alone.

    Returns:
        ``fraction[n, 3]`` (losses always violate; within the SLA's bucket linear in log RTT; NaN where nothing is
        remembered) and ``weight[n, 3]``: the decayed number of samples behind it.
    """
    if np.ndim(sla_ms) == 0:
        # One product for all pairs: each bucket counts by its part above the SLA, and as a whole.
        parts = np.stack([GRID.shares_above(float(sla_ms)), np.ones(BINS)], axis=1)
        both = (hist.reshape(-1, BINS) @ parts).reshape(*hist.shape[:-1], 2)
        return _ratio(both[..., 0], both[..., 1]), both[..., 1]
    sla = np.asarray(sla_ms, dtype=np.float64)[:, None]
    weight: Floats = hist.sum(axis=-1)
    return _ratio(GRID.weight_above(hist, np.broadcast_to(sla, weight.shape)), weight), weight


def mean_ms(hist: Floats) -> Floats:
    """Return ``[n, 3]``: the remembered mean RTT of the pings that returned, NaN where there are none.

    Buckets count as their geometric middles: an estimate within a factor of 1.5 of the true mean.
    """
    finite = hist[..., :-1]
    return _ratio(finite @ GRID.middles, finite.sum(axis=-1))


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, NaN where the whole is zero."""
    some = whole > 0
    return np.where(some, part / np.where(some, whole, 1.0), np.nan)
