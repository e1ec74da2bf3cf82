"""Each path's ADF score and point forecasts, shown beside every decision: computed off the event loop, once a slot."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from extender.rowcache import RowCache
from extender.windows import WindowStore
from extender.worker import CHUNK_ROWS, Worker
from models.holder import Models
from models.runtime.networks import NAIVE, points_or_naive
from scoring.adf import adf_batch
from scoring.forecast import HORIZON_SLOTS, Forecaster
from scoring.future import future_score, inverse_sum
from scoring.paths import Paths
from scoring.seed import WINDOW_SLOTS

__all__ = ["ADF_ROWS", "Analyst", "PathAnalysis", "Windows"]

Floats = NDArray[np.float64]

ADF_ROWS: Final = 2500
"""Rows of one piece of ADF tests, about 15 ms: they are so many small steps that half as many rows take hardly less."""

_NO_MODEL: Final = 0
"""The generation of what no model takes part in."""


@dataclass(frozen=True)
class PathAnalysis:
    """[n] results for gathered paths; NaN where the path is unknown."""

    adf_score: Floats
    inverse_sum: Floats
    forecast_ms: Floats
    forecaster: Sequence[str]
    """Who made each point forecast."""

    def future(self, sla_ms: float) -> Floats:
        """[n] future scores under an SLA."""
        return future_score(self.inverse_sum, sla_ms, HORIZON_SLOTS)


class Windows(Protocol):
    """Paths by the store's rows, with copies of their windows; `extender.gather.Gathered` is one."""

    @property
    def rows(self) -> NDArray[np.intp]:
        """[n] the store's rows; ABSENT where there is none."""

    @property
    def version(self) -> NDArray[np.int64]:
        """[n] their versions when they were copied."""

    @property
    def paths(self) -> Paths:
        """[n] the copies."""


@dataclass(frozen=True)
class _Copied:
    """Windows and nothing else."""

    rows: NDArray[np.intp]
    version: NDArray[np.int64]
    paths: Paths


class Analyst:
    """Computes and remembers analyses; results are kept per row until its window moves on or the model changes."""

    def __init__(self, store: WindowStore, models: Callable[[], Models], worker: Worker) -> None:
        self._store, self._models, self._worker = store, models, worker
        self._adf = RowCache(store, 1)
        self._points = RowCache(store, HORIZON_SLOTS + 1)

    def copied(self, rows: NDArray[np.intp], now: float) -> Windows:
        """Copies of the windows of rows [n] as of now."""
        return _Copied(rows, self._store.version(rows), Paths.bare(self._store.windows(rows, now)))

    async def analyse(self, gathered: Windows) -> PathAnalysis:
        """ADF scores and forecasts of the gathered paths, those of unmoved windows from memory."""
        adf_score, (rtt_ms, forecaster) = await asyncio.gather(self.adf_scores(gathered), self.points(gathered))
        return PathAnalysis(adf_score, inverse_sum(rtt_ms), rtt_ms[:, 0], forecaster)

    async def adf_scores(self, gathered: Windows) -> Floats:
        """[n] ADF scores; NaN where the path is unknown."""
        # One at a time: two would wait for each other, as their many small steps hold the interpreter's lock.
        await self._bring_up(self._adf, _NO_MODEL, gathered, adf_scores, ADF_ROWS, at_once=1)
        return self._adf.get(gathered.rows)[:, 0]

    async def points(self, gathered: Windows) -> tuple[Floats, list[str]]:
        """[n, HORIZON_SLOTS] point forecasts in ms, NaN where the path is unknown, and who made each [n]."""
        models = self._models()
        compute = partial(point_forecasts, models.points)
        await self._bring_up(self._points, models.generation, gathered, compute, CHUNK_ROWS)
        values = self._points.get(gathered.rows)
        own = (values[:, HORIZON_SLOTS] != 0.0).tolist()
        return values[:, :HORIZON_SLOTS], [models.points.name if mine else NAIVE.name for mine in own]

    async def _bring_up(
        self,
        cache: RowCache,
        generation: int,
        gathered: Windows,
        compute: Callable[[Floats], Floats],
        piece_rows: int,
        at_once: int | None = None,
    ) -> None:
        """Compute what is missing; who gives up at the deadline leaves the results to the next who asks."""
        stale = np.flatnonzero(cache.stale(gathered.rows, generation))
        if not stale.size:
            return
        rows, windows, version = gathered.rows[stale], gathered.paths.windows, gathered.version[stale]

        async def piece(part: slice) -> None:
            values = await self._worker.run(lambda: compute(windows[stale[part]]))
            cache.put(rows[part], version[part], generation, values)

        pieces = [partial(piece, slice(begin, begin + piece_rows)) for begin in range(0, len(rows), piece_rows)]
        await self._worker.finish(self._worker.each(pieces, at_once))


def adf_scores(windows: Floats) -> Floats:
    """[n, 1] ADF scores of windows [n, w]."""
    return adf_batch(windows[:, -WINDOW_SLOTS:]).score[:, None]


def point_forecasts(forecaster: Forecaster, windows: Floats) -> Floats:
    """[n, HORIZON_SLOTS + 1] of windows [n, w]: forecasts in ms, and 1 where they are not the naive rule's."""
    rtt_ms, own = points_or_naive(forecaster, Paths.bare(windows), HORIZON_SLOTS)
    return np.column_stack([rtt_ms, own])
