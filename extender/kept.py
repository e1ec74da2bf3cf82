"""Whether each node keeps a promise towards one peer, remembered until its samples move on."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from extender.candidates import NodeIndex, Places
from extender.gather import RECENT_INTERVALS, RecentPaths, gather_recent
from extender.tracked import Slack, Tracked, grown
from extender.verdicts import PathVerdicts, verdicts_of
from extender.windows import WindowStore

__all__ = ["Kept"]


class Kept:
    """Verdicts of the nodes' paths to one peer under one SLA (ms, as stored)."""

    def __init__(
        self,
        store: WindowStore,
        index: NodeIndex,
        peer: str,
        sla_ms: float,
        legacy: bool,
        fresh_for_s: float,
        slack: Slack,
    ) -> None:
        self._store, self._peer, self._fresh_for_s = store, peer, fresh_for_s
        self._sla_ms, self._legacy = sla_ms, legacy
        self._codes, self._share, self._recovers = np.zeros(0, np.int8), np.zeros(0), np.zeros(0, dtype=bool)
        self._tracked = Tracked(store, index, peer, fresh_for_s, self._judge, slack)

    def __len__(self) -> int:
        return len(self._tracked)

    def of(self, places: Places, now: float) -> PathVerdicts:
        """The verdicts of some nodes, as of now."""
        self._tracked.bring_up(places, now)
        return PathVerdicts(self._peer, self._codes[places], self._share[places], self._recovers[places])

    def refreshing(self, now: float) -> Iterator[None]:
        """Bring those up to date that were asked for, a slice at each step."""
        return self._tracked.refreshing(now)

    def _judge(self, places: Places, names: Sequence[str], now: float) -> NDArray[np.float64]:
        if len(self._codes) < (size := len(self._tracked)):
            self._codes, self._share = grown(self._codes, size), grown(self._share, size)
            self._recovers = grown(self._recovers, size)
        recent: RecentPaths = gather_recent(self._store, self._peer, names, now, self._fresh_for_s)
        found = verdicts_of(recent, self._sla_ms, self._legacy)
        self._codes[places], self._share[places] = found.codes, found.share
        self._recovers[places] = found.recovers
        return self._store.recent_until(
            recent.rows, now, RECENT_INTERVALS * self._store.interval_s, recent.recent.shape[1]
        )
