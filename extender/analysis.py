"""Each path's ADF score and forecast, shown beside every decision: computed off the event loop, once per new slot."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extender.evaluate import HORIZON
from extender.gather import Gathered
from extender.windows import ABSENT, WindowStore
from scoring.adf import adf_batch
from scoring.forecast import Forecaster
from scoring.future import future_score, inverse_sum
from scoring.paths import Paths
from scoring.seed import WINDOW_SLOTS

__all__ = ["Analyst", "PathAnalysis"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PathAnalysis:
    """[n] results for gathered paths; NaN where the path is unknown."""

    adf_score: Floats
    inverse_sum: Floats
    forecast_ms: Floats
    forecaster: str

    def future(self, sla_ms: float) -> Floats:
        """[n] future scores under an SLA."""
        return future_score(self.inverse_sum, sla_ms, HORIZON)


class Analyst:
    """Computes and remembers analyses; results are kept per row until its window moves on."""

    def __init__(self, store: WindowStore, forecaster: Forecaster) -> None:
        self._store = store
        self.forecaster = forecaster
        self._pool = ThreadPoolExecutor(1, "analysis")
        self._values: Floats = np.full((0, 3), np.nan)
        self._version: NDArray[np.int64] = np.zeros(0, np.int64)
        self._running: set[asyncio.Task[None]] = set()

    async def analyse(self, gathered: Gathered) -> PathAnalysis:
        """ADF scores and forecasts of the gathered paths, those of unmoved windows from memory."""
        self._fit()
        rows, version = gathered.rows, self._store.version(gathered.rows)
        stale = (rows != ABSENT) & (self._version[rows] != version)
        if stale.any():
            windows = gathered.paths.windows[stale]
            job = asyncio.create_task(self._work_out(rows[stale], version[stale], windows))
            self._running.add(job)
            job.add_done_callback(self._running.discard)
            # Who waits may give up at the deadline; the results are kept all the same, for the next who asks.
            await asyncio.shield(job)
        values = np.where((rows != ABSENT)[:, None], self._values[rows], np.nan)
        return PathAnalysis(values[:, 0], values[:, 1], values[:, 2], self.forecaster.name)

    async def _work_out(self, rows: NDArray[np.intp], version: NDArray[np.int64], windows: Floats) -> None:
        values = await asyncio.get_running_loop().run_in_executor(self._pool, self.compute, windows)
        self._fit()  # the store may have grown meanwhile
        self._values[rows], self._version[rows] = values, version

    def compute(self, windows: Floats) -> Floats:
        """[n, 3]: ADF score, sum of the inverse forecasts, first forecast, of windows [n, w]."""
        forecast = self.forecaster.forecast(Paths.bare(windows), HORIZON).rtt_ms
        return np.column_stack([adf_batch(windows[:, -WINDOW_SLOTS:]).score, inverse_sum(forecast), forecast[:, 0]])

    def _fit(self) -> None:
        missing = self._store.capacity - len(self._version)
        if missing > 0:
            self._values = np.concatenate([self._values, np.full((missing, 3), np.nan)])
            self._version = np.concatenate([self._version, np.full(missing, -1)])

    def close(self) -> None:
        """End the worker thread."""
        self._pool.shutdown(wait=False, cancel_futures=True)
