"""Whether each node keeps a promise towards one peer, remembered until its samples move on."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.candidates import NodeIndex, Places
from extender.gather import RECENT_INTERVALS, RecentPaths, gather_recent
from extender.tracked import Tracked, grown
from extender.verdicts import PathVerdicts, verdicts_of
from extender.windows import WindowStore

__all__ = ["Kept"]

_COLUMNS: Final = np.dtype([("code", np.int8), ("share", np.float64), ("recovers", np.bool_)])


class Kept:
    """Verdicts of the nodes' paths to one peer under one SLA (ms, as stored)."""

    def __init__(
        self, store: WindowStore, index: NodeIndex, peer: str, sla_ms: float, legacy: bool, fresh_for_s: float
    ) -> None:
        self._store, self._peer, self._fresh_for_s = store, peer, fresh_for_s
        self._sla_ms, self._legacy = sla_ms, legacy
        self._columns = np.zeros(0, _COLUMNS)
        self._tracked = Tracked(store, index, peer, fresh_for_s, self._judge)

    def __len__(self) -> int:
        return len(self._tracked)

    def of(self, places: Places, now: float) -> PathVerdicts:
        """The verdicts of some nodes, as of now."""
        self._tracked.bring_up(places, now)
        found = self._columns[places]
        return PathVerdicts(self._peer, found["code"], found["share"], found["recovers"])

    def _judge(self, places: Places, names: Sequence[str], now: float) -> NDArray[np.float64]:
        if len(self._columns) < len(self._tracked):
            self._columns = grown(self._columns, len(self._tracked))
        recent: RecentPaths = gather_recent(self._store, self._peer, names, now, self._fresh_for_s)
        found = verdicts_of(recent, self._sla_ms, self._legacy)
        self._columns["code"][places] = found.codes
        self._columns["share"][places] = found.share
        self._columns["recovers"][places] = found.recovers
        return self._store.recent_until(
            recent.rows, now, RECENT_INTERVALS * self._store.interval_s, recent.recent.shape[1]
        )
