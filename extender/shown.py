"""What is shown of the nodes' paths to one peer: summaries of the windows that decisions were made from.

A decision only notes how far the windows had moved. The summaries are made after the answer, in the order of the
decisions, from the windows that were copied when the costs were computed; so they tell what was known then.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.candidates import Places
from extender.scoretable import path_columns
from extender.tracked import grown

__all__ = ["Shown"]

SLICE: Final = 128
"""Windows that are summarised at once, about a millisecond's work."""

MOST_ROWS: Final = 10_000
"""Windows that wait for their summaries at most; the oldest are summarised at once when there are more."""

Columns = Mapping[str, NDArray[np.float64]]


class Shown:
    """Summaries by place, which lag behind the costs; `at` are times of the store's clock."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Places, NDArray[np.float32], NDArray[np.float64]]] = deque()
        self._rows = 0
        self._columns: dict[str, NDArray[np.float64]] = {}
        self._samples = np.zeros(0, np.int64)
        self._frozen: tuple[NDArray[np.int64], Columns] | None = None

    def moved(self, epoch: int, places: Places, windows: NDArray[np.float64], at: NDArray[np.float64]) -> None:
        """Windows have moved on, in this epoch: [k] places, [k, slots] RTT in ms, [k] times of their last samples."""
        self._waiting.append((epoch, places, windows.astype(np.float32), at))
        self._rows += len(places)
        while self._rows > MOST_ROWS and len(self._waiting) > 1:
            self._summarise_next()

    def waiting(self, epoch: int) -> Iterator[None]:
        """Bring the summaries up to an epoch, a slice at each step."""
        while self._waiting and self._waiting[0][0] <= epoch:
            self._summarise_next()
            yield

    def through(self, epoch: int) -> tuple[NDArray[np.int64], Columns]:
        """[places] samples and columns as of an epoch; `age_s` holds the time of the last sample instead of its age."""
        for _ in self.waiting(epoch):
            pass
        if self._frozen is None:
            self._frozen = self._samples.copy(), {name: column.copy() for name, column in self._columns.items()}
        return self._frozen

    def _summarise_next(self) -> None:
        epoch, places, windows, at = self._waiting.popleft()
        if len(places) > SLICE:
            self._waiting.appendleft((epoch, places[SLICE:], windows[SLICE:], at[SLICE:]))
        part = slice(0, SLICE)
        self._keep(places[part], *path_columns(windows[part].astype(np.float64), at[part]))
        self._rows -= len(places[part])
        self._frozen = None

    def _keep(self, places: Places, samples: NDArray[np.int64], columns: Columns) -> None:
        size = max(len(self._samples), int(places.max()) + 1)
        self._samples = grown(self._samples, size)
        self._samples[places] = samples
        for name, values in columns.items():
            self._columns[name] = grown(self._columns.get(name, np.zeros(0)), size)
            self._columns[name][places] = values
