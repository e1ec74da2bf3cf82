"""Hard promises: whether recent samples keep an SLA, for pods that would rather wait than run too far away."""

import numpy as np

from scoring.arrays import Bools, Floats, Ints

__all__ = ["keeps", "mean_of_last"]


def keeps(recent: Floats, sla_ms: float, min_samples: int = 5, share: float = 0.8) -> tuple[Bools, Ints]:
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
    samples: Ints = (~np.isnan(recent)).sum(axis=1)
    good = (recent <= sla_ms).sum(axis=1)
    if np.isposinf(sla_ms):
        good = np.isfinite(recent).sum(axis=1)
    # The tolerance makes 4 of 5 equal to .8 whatever the product rounds to.
    ok = (samples >= min_samples) & (good >= share * samples - 1e-9)
    return ok, samples


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
