"""The baselines: simple rules on the raw trace, without the extender's windows and integers.

They see the whole past, not the 64 slots of a ring, and only the candidates' own measurements. Where a rule sees
nothing of a candidate, `last` and `mean` rank it last, and `rule` takes .5 for the share of violations and 1 for the
noise, so that a path that nobody measured is bad but not hopeless. `oracle` knows the future.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from neilats.replay.protocol import PAST_SLICES, Draw

__all__ = ["BASELINES", "Rules"]

BASELINES: Final = ("random", "last", "mean", "rule", "oracle")
"""`rule` is the best simple one known: e100 + .3 v1 + 1.2 xrow of the reference `placement.md`."""

MEAN_SLICES: Final = 30
NOISE_SLICES: Final = 40
NOISE_STEP: Final = 3
FLOOR_LEVEL: Final = 0.1
HALF_LIFE_SLICES: Final = 100

Floats = NDArray[np.float64]


class Rules:
    """Costs of the candidates of draws in ascending time, from one trace ``[T, N, N]``."""

    def __init__(self, rtt_ms: NDArray[np.float32]) -> None:
        self._rtt_ms = rtt_ms
        self._last = np.full(rtt_ms.shape[1:], np.nan)
        self._t = 0
        self._noise_at = -1
        self._floor = self._last
        self._excess = np.empty((0, *self._last.shape))

    def costs(self, draw: Draw) -> Mapping[str, Floats]:
        """[n] of each baseline, lower is better; +inf or equal to others where nothing is known."""
        self._advance(draw.t)
        past = self._rtt_ms[max(0, draw.t - PAST_SLICES) : draw.t, draw.candidates, draw.peer].astype(np.float64)
        last = self._last[draw.candidates, draw.peer]
        return {
            "random": np.zeros(len(draw.candidates)),
            "last": np.where(np.isnan(last), np.inf, last),
            "mean": _mean(past[-MEAN_SLICES:]),
            "rule": _decayed(past, draw.sla_ms) + 0.3 * (last > draw.sla_ms) + 1.2 * self._exceeds(draw),
            "oracle": draw.violation,
        }

    def _advance(self, t: int) -> None:
        for now in self._rtt_ms[self._t : t]:
            self._last = np.where(np.isnan(now), self._last, now)
        self._t = t

    def _exceeds(self, draw: Draw) -> Floats:
        """[n]: how often the excess of all of a candidate's links over their floors is more than the SLA leaves it."""
        self._pool(draw.t)
        margin = draw.sla_ms - self._floor[draw.candidates, draw.peer]
        excess = self._excess[:, draw.candidates, :]
        above = (excess > margin[:, None]).sum(axis=(0, 2))
        count = (~np.isnan(excess)).sum(axis=(0, 2))
        return np.where((count > 0) & ~np.isnan(margin), above / np.maximum(count, 1), 1.0)

    def _pool(self, t: int) -> None:
        """The floors of all links and their excesses, once for all draws of a slice."""
        if t == self._noise_at:
            return
        recent = self._rtt_ms[max(0, t - NOISE_SLICES) : t].astype(np.float64)
        self._floor, self._noise_at = _floors(recent), t
        sampled = recent[::NOISE_STEP]
        floor = np.where(np.isfinite(self._floor), self._floor, 0.0)  # a link of losses has none: its excess is +inf
        self._excess = sampled - floor


def _mean(past: Floats) -> Floats:
    """[n]: the mean of the slices, +inf where a ping was lost or nothing was measured."""
    known = ~np.isnan(past)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, past, 0.0).sum(axis=0) / np.maximum(count, 1), np.inf)


def _decayed(past: Floats, sla_ms: float) -> Floats:
    """[n]: the decayed share of the measured slices above the SLA, .5 where there is none."""
    weight = 0.5 ** (np.arange(len(past))[::-1, None] / HALF_LIFE_SLICES) * ~np.isnan(past)
    total = weight.sum(axis=0)
    share: Floats = np.where(total > 0, (weight * (past > sla_ms)).sum(axis=0) / np.where(total > 0, total, 1.0), 0.5)
    return share


def _floors(recent: Floats) -> Floats:
    """[N, N]: the 10th percentile of each link's measured slices, NaN where there is none, as np.nanquantile."""
    ordered = np.sort(recent, axis=0)  # NaN last
    count = (~np.isnan(recent)).sum(axis=0)
    place = FLOOR_LEVEL * np.maximum(count - 1, 0)
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    low, high = (np.take_along_axis(ordered, at[None], axis=0)[0] for at in (below, above))
    answered = np.isfinite(low)  # a link of losses has no floor, and a step up to a loss is none
    least = np.where(answered, low, 0.0)
    step = np.where(np.isfinite(high), high, least) - least
    floors: Floats = np.where(answered, least + step * (place - below), low)
    return floors
