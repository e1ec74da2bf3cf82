"""What is known of the paths from many candidates to one peer, copied out of the windows for one decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from extender.estimates import Estimator
from extender.noise import NoiseTable
from extender.windows import ABSENT, WindowStore
from scoring.context import Context
from scoring.estimates import Estimates
from scoring.paths import Paths

__all__ = ["RECENT_INTERVALS", "Direction", "Gathered", "RecentPaths", "gather", "gather_recent"]


class Direction(IntEnum):
    """Whose measurement speaks for a path."""

    FORWARD = 0
    """The candidate's own, towards the peer."""
    REVERSE = 1
    """The peer's, towards the candidate: the candidate's is missing or stale."""
    NONE = 2
    """Nobody's: the path is unknown."""
    SELF = 3
    """The candidate is the peer; there is no path to measure."""
    ESTIMATE = 4
    """Nobody's, but what others measured says what it may be."""


@dataclass(frozen=True, kw_only=True)
class RecentPaths:
    """The last raw samples of n candidates' paths to one peer: what a promise is judged by."""

    peer: str
    direction: NDArray[np.int8]
    rows: NDArray[np.intp]
    """[n]: the store's rows that were taken; ABSENT where there is none."""
    recent: NDArray[np.float64]
    """[n, r]: the last raw samples, ms."""

    @property
    def itself(self) -> NDArray[np.bool_]:
        """[n]: where the candidate is the peer."""
        return np.asarray(self.direction == Direction.SELF)


@dataclass(frozen=True, kw_only=True)
class Gathered(RecentPaths):
    """n candidates' paths to one peer, with all that scores are made from."""

    names: Sequence[str]
    age_s: NDArray[np.float64]
    paths: Paths
    version: NDArray[np.int64]
    """[n]: the rows' versions when they were copied."""
    estimates: Estimates | None = None
    """Of the paths that nobody measured; None where there is none at all."""


@dataclass(frozen=True)
class _Chosen:
    """The measurements that speak for n paths; `reverse` are the rows of the other one where that is fresh too."""

    rows: NDArray[np.intp]
    direction: NDArray[np.int8]
    age_s: NDArray[np.float64]
    fresh: NDArray[np.bool_]
    reverse: NDArray[np.intp]


def gather_recent(store: WindowStore, peer: str, names: Sequence[str], now: float, fresh_for_s: float) -> RecentPaths:
    """Copy the last raw samples alone: a fraction of the work of `gather`."""
    chosen = _chosen(store, peer, names, now, fresh_for_s)
    recent = _recent(store, chosen.rows, now)
    return RecentPaths(peer=peer, direction=chosen.direction, rows=chosen.rows, recent=recent)


def gather(
    store: WindowStore,
    noise: NoiseTable,
    peer: str,
    names: Sequence[str],
    now: float,
    fresh_for_s: float,
    estimator: Estimator | None = None,
) -> Gathered:
    """Copy the candidates' windows: their own measurement, or where that is not fresh, the peer's of the same path.

    The context holds the other measurement of the path, where that is fresh, and the noise of both ends.
    """
    chosen = _chosen(store, peer, names, now, fresh_for_s)
    direction, estimates = _estimated(estimator, peer, names, chosen.direction)
    return Gathered(
        peer=peer,
        names=names,
        direction=direction,
        estimates=estimates,
        rows=chosen.rows,
        version=store.version(chosen.rows),
        age_s=chosen.age_s,
        paths=Paths(
            windows=store.windows(chosen.rows, now),
            memory=store.long_memory(chosen.rows, now),
            noise=noise.of(names, now, fresh_for_s),
            known=chosen.fresh,
            context=Context(
                reverse=store.windows(chosen.reverse, now),
                curves=noise.curves,
                candidate=noise.rows(names, now, fresh_for_s),
                peer=int(noise.rows([peer], now, fresh_for_s)[0]),
            ),
        ),
        recent=_recent(store, chosen.rows, now),
    )


def _estimated(
    estimator: Estimator | None, peer: str, names: Sequence[str], direction: NDArray[np.int8]
) -> tuple[NDArray[np.int8], Estimates | None]:
    """Ask for estimates where nobody has measured, and say so in the direction where there is one."""
    unknown = np.flatnonzero(direction == Direction.NONE)
    if estimator is None or not unknown.size:
        return direction, None
    estimates = Estimates.none(len(names))
    estimates.rtt_ms[unknown], estimates.sigma_log[unknown] = estimator.of(peer, [names[i] for i in unknown.tolist()])
    found = ~np.isnan(estimates.rtt_ms)
    return np.where(found, Direction.ESTIMATE, direction).astype(np.int8), estimates if found.any() else None


def _chosen(store: WindowStore, peer: str, names: Sequence[str], now: float, fresh_for_s: float) -> _Chosen:
    forward, reverse = store.rows_to(peer, names), store.rows_from(peer, names)
    forward_age, reverse_age = store.age_s(forward, now), store.age_s(reverse, now)
    use_reverse = (forward_age > fresh_for_s) & (reverse_age <= fresh_for_s)
    age_s = np.where(use_reverse, reverse_age, forward_age)
    fresh = age_s <= fresh_for_s
    both = ~use_reverse & (reverse_age <= fresh_for_s)
    rows = np.where(fresh, np.where(use_reverse, reverse, forward), ABSENT)
    direction = np.where(fresh, np.where(use_reverse, Direction.REVERSE, Direction.FORWARD), Direction.NONE)
    direction[[i for i, name in enumerate(names) if name == peer]] = Direction.SELF
    return _Chosen(rows, direction.astype(np.int8), age_s, fresh, np.where(both, reverse, ABSENT))


def _recent(store: WindowStore, rows: NDArray[np.intp], now: float) -> NDArray[np.float64]:
    return store.recent(rows, now, RECENT_INTERVALS * store.interval_s, _RECENT)


_RECENT = 10
"""Raw samples that `require` looks at, as the old plugin did."""

RECENT_INTERVALS = 12
"""Intervals in which these must lie: ten regular samples, and two that may be missing."""
