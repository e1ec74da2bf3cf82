"""Forecast violations that were computed, by peer and SLA: bounded, oldest use first out."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["ENTRIES", "ViolationTable", "ViolationTables"]

ENTRIES: Final = 64
"""(peer, SLA) that are remembered."""

ROWS: Final = 200_000
"""Candidates in all of them together."""

Places = NDArray[np.intp]

_COLUMN: Final = np.dtype(
    [
        ("value", np.float32),
        ("row", np.intp),
        ("version", np.int64),
        ("generation", np.int64),
        ("at", np.float64),
        ("asked", np.float64),
    ]
)


class ViolationTable:
    """What was forecast for the candidates towards one peer under one SLA; times are of the store's clock."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}
        self._c = np.zeros(0, _COLUMN)
        self.job: asyncio.Task[None] | None = None
        """The computation that is under way."""
        self.pruned = 0
        """How often candidates were forgotten: their places, and those of others, hold no more."""
        self.layout = 0
        """Changes whenever a candidate gets a place or loses it."""
        self.writes = 0
        """Changes whenever values are kept."""

    def __len__(self) -> int:
        return len(self._index)

    def places(self, names: Sequence[str]) -> Places:
        """[n] where the candidates are; new ones are added, with nothing known of them."""
        index = self._index
        found = np.fromiter((index.setdefault(name, len(index)) for name in names), np.intp, len(names))
        missing = len(index) - len(self._c)
        if missing > 0:
            blank = np.zeros(missing, _COLUMN)
            blank["value"], blank["generation"], blank["at"], blank["asked"] = np.nan, -1, -np.inf, -np.inf
            self._c = np.concatenate([self._c, blank])
            self.layout += 1
        return found

    def find(self, names: Sequence[str]) -> Places:
        """[n] where the candidates are; -1 for those of which nothing is known."""
        return np.fromiter((self._index.get(name, -1) for name in names), np.intp, len(names))

    def computed(self, places: Places) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
        """[n] values, the models' generation that computed them, and when; NaN, -1 and -inf for places of -1."""
        c = self._c[places] if len(self._c) else np.zeros(len(places), _COLUMN)
        none = places < 0
        value = np.where(none, np.nan, c["value"]).astype(np.float64)
        return value, np.where(none, -1, c["generation"]), np.where(none, -np.inf, c["at"])

    def values(self, places: Places) -> NDArray[np.float64]:
        """[n] values; NaN where there is none."""
        return self._c["value"][places].astype(np.float64)

    def fresh(self, places: Places, generation: int, since: float) -> NDArray[np.bool_]:
        """[n]: computed by the models that serve, since that time."""
        c = self._c[places]
        return np.asarray((c["generation"] == generation) & (c["at"] >= since))

    def moved(
        self, places: Places, generation: int, rows: NDArray[np.intp], version: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """[n]: whether the window has moved on since, or other models serve."""
        c = self._c[places]
        return np.asarray((c["generation"] != generation) | (c["row"] != rows) | (c["version"] != version))

    def put(
        self,
        places: Places,
        values: NDArray[np.float64],
        generation: int,
        rows: NDArray[np.intp],
        version: NDArray[np.int64],
        at: float,
    ) -> None:
        """Keep [n] values, computed at a time from these versions of the store's rows."""
        c = self._c
        c["value"][places], c["generation"][places], c["at"][places] = values, generation, at
        c["row"][places], c["version"][places] = rows, version
        self.writes += 1

    def asked(self, places: Places, at: float) -> None:
        """Somebody wants these, and may again."""
        self._c["asked"][places] = at

    def asked_since(self, since: float) -> list[str]:
        """The candidates that were asked for since then."""
        wanted = (self._c["asked"] >= since).tolist()
        return [name for name, place in self._index.items() if wanted[place]]

    def prune(self, since: float) -> None:
        """Forget the candidates that were neither asked for nor computed since then; not while a job is under way."""
        if self.job is not None and not self.job.done():
            return
        keep = (self._c["asked"] >= since) | (self._c["at"] >= since)
        if keep.all():
            return
        kept = keep.tolist()
        names = sorted((name for name, place in self._index.items() if kept[place]), key=self._index.__getitem__)
        self._index = {name: i for i, name in enumerate(names)}
        self._c = self._c[keep]
        self.pruned += 1
        self.layout += 1


class ViolationTables:
    """The tables by (peer, SLA in ms)."""

    def __init__(self, entries: int = ENTRIES, rows: int = ROWS) -> None:
        self._entries, self._rows = entries, rows
        self._tables: OrderedDict[tuple[str, float], ViolationTable] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tables)

    def of(self, peer: str, sla_ms: float) -> ViolationTable:
        """The table of a peer and an SLA, a new one if there is none."""
        key = (peer, sla_ms)
        table = self._tables.setdefault(key, ViolationTable())
        self._tables.move_to_end(key)
        return table

    def items(self) -> list[tuple[str, float, ViolationTable]]:
        """Every (peer, SLA, table), the one used last at the end."""
        return [(peer, sla_ms, table) for (peer, sla_ms), table in self._tables.items()]

    def tidying(self, since: float) -> Iterator[None]:
        """Forget what nobody wanted since then, in steps: others may have the event loop in between."""
        for key, table in list(self._tables.items()):
            table.prune(since)
            if not len(table) and self._tables.get(key) is table:
                del self._tables[key]
            yield

    def shrink(self) -> None:
        """Drop the tables that were not used for longest, until the bounds hold; the last one used stays."""
        rows = sum(map(len, self._tables.values()))
        while len(self._tables) > 1 and (len(self._tables) > self._entries or rows > self._rows):
            _, gone = self._tables.popitem(last=False)
            rows -= len(gone)
