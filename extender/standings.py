"""What is remembered of nodes for the webhooks: by peer and SLA, bounded, what was not used for longest out first."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence, Sized
from typing import Final, Generic, TypeVar

from extender.candidates import MOST, Candidates, NodeIndex
from extender.estimates import Estimator
from extender.kept import Kept
from extender.lists import RecentLists
from extender.noise import NoiseTable
from extender.standing import Standing
from extender.tracked import Slack
from extender.violations import Violations
from extender.windows import WindowStore
from neilats.log import get_logger

__all__ = ["ENTRIES", "IDLE_S", "ROWS", "Standings"]

log = get_logger("extender.standings")

ENTRIES: Final = 64
"""(peer, SLA) that are remembered, of costs and of promises each."""

ROWS: Final = 200_000
"""Places in all of them together, again of each; one takes about half a kilobyte."""

IDLE_S: Final = 600.0
"""What nobody asked about for this long is forgotten."""

LATELY_S: Final = 60.0
"""What was asked about within this time is kept up to date ahead of the next call."""

Rest = Callable[[float], Awaitable[None]]
"""Awaited after work that took so many seconds."""

T = TypeVar("T", bound=Sized)


class _Bounded(Generic[T]):
    """Tables by key; the one used last stays whatever its size."""

    def __init__(self, entries: int, rows: int) -> None:
        self._entries, self._rows = entries, rows
        self._tables: OrderedDict[Hashable, T] = OrderedDict()
        self._used: dict[Hashable, float] = {}

    def __len__(self) -> int:
        return len(self._tables)

    def of(self, key: Hashable, make: Callable[[], T], now: float) -> T:
        if (table := self._tables.get(key)) is None:
            table = self._tables[key] = make()
            self._shrink()
        self._tables.move_to_end(key)
        self._used[key] = now
        return table

    def _shrink(self) -> None:
        rows = sum(map(len, self._tables.values()))
        while len(self._tables) > 1 and (len(self._tables) > self._entries or rows > self._rows):
            key, gone = self._tables.popitem(last=False)
            self._used.pop(key, None)
            rows -= len(gone)

    def used_since(self, since: float) -> list[T]:
        return [table for key, table in self._tables.items() if self._used[key] >= since]

    def tidy(self, since: float) -> None:
        for key in [key for key, used in self._used.items() if used < since]:
            self._tables.pop(key, None)
            del self._used[key]

    def clear(self) -> None:
        self._tables.clear()
        self._used.clear()


class Standings:
    """Costs and promises by peer; `clock` is the store's."""

    def __init__(
        self,
        store: WindowStore,
        noise: NoiseTable,
        violations: Violations,
        fresh_for_s: float,
        clock: Callable[[], float],
        estimator: Estimator | None = None,
        entries: int = ENTRIES,
        rows: int = ROWS,
        most_names: int = MOST,
    ) -> None:
        self._store, self._noise, self._violations, self._fresh_for_s = store, noise, violations, fresh_for_s
        self._clock, self._estimator = clock, estimator
        self._index, self._most_names, self.slack = NodeIndex(), most_names, Slack()
        self.lists = RecentLists()
        self._costs: _Bounded[Standing] = _Bounded(entries, rows)
        self._promises: _Bounded[Kept] = _Bounded(entries, rows)

    def __len__(self) -> int:
        return len(self._costs) + len(self._promises)

    def candidates(self, names: Sequence[str]) -> Candidates:
        """The nodes of a call by their places; too many names in all, and everything begins anew."""
        if len(self._index) > self._most_names:
            self._index = NodeIndex()
            self.lists.clear()
            self._costs.clear()
            self._promises.clear()
        return Candidates(self._index, self._index.places(names))

    def listed(self, text: bytes) -> Candidates | None:
        """The nodes of a call by the JSON of their names, where that is known to be well-formed; else None."""
        if (found := self.lists.find(text)) is None and (places := self._index.listed(text)) is not None:
            found = Candidates(self._index, places)
            self.lists.keep(text, found)
        return found

    def costs(self, index: NodeIndex, peer: str, sla_ms: float | None) -> Standing:
        """How nodes stand towards a peer under an SLA (ms, as stored)."""

        def make() -> Standing:
            parts = (self._store, self._noise, self._violations, index)
            return Standing(*parts, peer, sla_ms, self._fresh_for_s, self._clock, self.slack, self._estimator)

        return make() if index is not self._index else self._costs.of((peer, sla_ms), make, self._clock())

    def promises(self, index: NodeIndex, peer: str, sla_ms: float, legacy: bool) -> Kept:
        """Which nodes keep a promise towards a peer."""

        def make() -> Kept:
            return Kept(self._store, index, peer, sla_ms, legacy, self._fresh_for_s, self.slack)

        return make() if index is not self._index else self._promises.of((peer, sla_ms, legacy), make, self._clock())

    async def refresh(self, rest: Rest) -> None:
        """Bring up to date what was used lately, and rest after each step."""
        since = self._clock() - LATELY_S
        tables: list[Kept | Standing] = [*self._promises.used_since(since), *self._costs.used_since(since)]
        for table in tables:
            began = time.perf_counter()
            try:
                for _ in table.refreshing(self._clock()):
                    await rest(time.perf_counter() - began)
                    began = time.perf_counter()
            except Exception:  # one that cannot be kept up to date must not keep the others from it
                log.exception("keeping what is remembered of nodes up to date failed")

    def tidy(self) -> None:
        """Forget what nobody asks about any more."""
        since = self._clock() - IDLE_S
        self._costs.tidy(since)
        self._promises.tidy(since)
