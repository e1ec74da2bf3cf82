"""What is known of the paths from many candidates to one peer, copied out of the windows for one decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from extender.noise import NoiseTable
from extender.windows import ABSENT, WindowStore
from scoring.context import Context
from scoring.paths import Paths

__all__ = ["Direction", "Gathered", "gather"]


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


@dataclass(frozen=True)
class Gathered:
    """n candidates' paths to one peer."""

    peer: str
    names: Sequence[str]
    direction: NDArray[np.int8]
    rows: NDArray[np.intp]
    """[n]: the store's rows that were taken; ABSENT where there is none."""
    age_s: NDArray[np.float64]
    paths: Paths
    recent: NDArray[np.float64]
    """[n, r]: the last raw samples, ms."""

    @property
    def itself(self) -> NDArray[np.bool_]:
        """[n]: where the candidate is the peer."""
        return np.asarray(self.direction == Direction.SELF)


def gather(
    store: WindowStore,
    noise: NoiseTable,
    peer: str,
    names: Sequence[str],
    now: float,
    fresh_for_s: float,
) -> Gathered:
    """Copy the candidates' windows: their own measurement, or where that is not fresh, the peer's of the same path.

    The context holds the other measurement of the path, where that is fresh, and the noise of both ends.
    """
    forward, reverse = store.rows_to(peer, names), store.rows_from(peer, names)
    forward_age, reverse_age = store.age_s(forward, now), store.age_s(reverse, now)
    use_reverse = (forward_age > fresh_for_s) & (reverse_age <= fresh_for_s)
    age_s = np.where(use_reverse, reverse_age, forward_age)
    fresh = age_s <= fresh_for_s
    both = ~use_reverse & (reverse_age <= fresh_for_s)
    rows = np.where(fresh, np.where(use_reverse, reverse, forward), ABSENT)
    direction = np.where(fresh, np.where(use_reverse, Direction.REVERSE, Direction.FORWARD), Direction.NONE)
    direction[[i for i, name in enumerate(names) if name == peer]] = Direction.SELF
    return Gathered(
        peer,
        names,
        direction.astype(np.int8),
        rows,
        age_s,
        Paths(
            windows=store.windows(rows, now),
            memory=store.long_memory(rows, now),
            noise=noise.of(names, now, fresh_for_s),
            known=fresh,
            context=Context(
                reverse=store.windows(np.where(both, reverse, ABSENT), now),
                curves=noise.curves,
                candidate=noise.rows(names, now, fresh_for_s),
                peer=int(noise.rows([peer], now, fresh_for_s)[0]),
            ),
        ),
        store.recent(rows, now, _RECENT_INTERVALS * store.interval_s, _RECENT),
    )


_RECENT = 10
"""Raw samples that `require` looks at, as the old plugin did."""

_RECENT_INTERVALS = 12
"""Intervals in which these must lie: ten regular samples, and two that may be missing."""
