"""Hard promises: whether recent samples keep an SLA, for pods that would rather wait than run too far away."""

import numpy as np

from scoring.arrays import Bools, Floats, Ints

__all__ = ["MIN_SAMPLES", "SHARE", "keeping_share", "keeps", "mean_of_last", "recovers"]

MIN_SAMPLES = 5
"""With fewer measured samples nothing is promised."""

SHARE = 0.8
"""The fraction of the samples that must keep the SLA."""

# 4 of 5 equal .8 whatever the product rounds to.
_TOLERANCE = 1e-9


def keeping_share(recent: Floats, sla_ms: float) -> tuple[Floats, Ints]:
    """Return the fraction ``[n]`` of each path's measured samples that keep the SLA (0 without any), and their number.

    A loss is a measured sample that keeps no SLA, not even an infinite one.
    """
    samples: Ints = (~np.isnan(recent)).sum(axis=1)
    good: Ints = (np.isfinite(recent) & (recent <= sla_ms)).sum(axis=1)
    return good / np.maximum(samples, 1), samples


def recovers(recent: Floats, sla_ms: float, newest: int = 2) -> Bools:
    """Return ``[n]``: whether the newest samples of each path all keep the SLA, so that a closer look is worth it."""
    measured = ~np.isnan(recent)
    last = measured & (np.cumsum(measured[:, ::-1], axis=1)[:, ::-1] <= newest)
    bad = last & ~(recent <= sla_ms)
    return np.asarray(measured.any(axis=1) & ~bad.any(axis=1))


def keeps(recent: Floats, sla_ms: float, min_samples: int = MIN_SAMPLES, share: float = SHARE) -> tuple[Bools, Ints]:
    """Return whether each path keeps an SLA now, and on how many samples that rests.

    Args:
        recent: ``[n, r]``: the newest slots. NaN is left out; a loss counts against the path.
        sla_ms: the promise; a sample that equals it keeps it.
        min_samples: with fewer measured slots nothing is promised.
        share: the fraction of the measured slots that must keep the SLA.

    Returns:
        ``ok[n]`` and ``samples[n]``. Not ok with too few samples: whether such a path is refused or tolerated is the
        pod's choice (`on-unknown`), so callers look at the samples first.
    """
    kept, samples = keeping_share(recent, sla_ms)
    return (samples >= min_samples) & (kept >= share - _TOLERANCE), samples


def mean_of_last(recent: Floats, count: int = 10) -> Floats:
    """Return ``[n]``: the mean of the newest `count` slots' finite samples, as the old labels compare it with the SLA.

    Losses do not move the mean of the pings that returned (the old plugin rejected a node for one lost ping); a path
    on which all were lost has the mean +inf, one that was not measured NaN.
    """
    newest = recent[:, max(recent.shape[1] - count, 0) :]
    finite = np.isfinite(newest)
    returned = finite.sum(axis=1)
    mean = np.where(finite, newest, 0.0).sum(axis=1) / np.maximum(returned, 1)
    lost = np.isposinf(newest).any(axis=1)
    return np.where(returned > 0, mean, np.where(lost, np.inf, np.nan))
