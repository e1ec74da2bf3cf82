"""What computing alone takes of a first pod's answer and explanation: the same numbers with nothing around them."""

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np

from bench.inference import SLA_MS, full_paths, in_parts, packaged
from extender.analysis import ADF_ROWS
from models.runtime.filling import filled
from models.runtime.forecast import WINDOW
from models.runtime.violation import ViolationNetwork
from scoring.adf import adf_batch
from scoring.seed import WINDOW_SLOTS

__all__ = ["Floor", "floor_ms"]

THREADS = 2
TURNS = 7


class Floor(NamedTuple):
    """Milliseconds for all windows, in pieces on two threads as the extender's, medians."""

    violations: float
    points: float
    adf: float

    @property
    def together(self) -> float:
        """One after the other, as both threads work on each."""
        return sum(self)


def floor_ms() -> Floor:
    """Violations with their inputs, points, and ADF scores of as many windows as `bench.inference` has."""
    points, violation = packaged(1)
    paths = full_paths()
    network, parts = ViolationNetwork(violation), list(in_parts(paths))
    wide = [{WINDOW: filled(part.windows, points.manifest.window)} for part in parts]
    short = np.where(np.isfinite(paths.windows), paths.windows, 10.0)[:, -WINDOW_SLOTS:]
    pieces = [short[begin : begin + ADF_ROWS] for begin in range(0, len(short), ADF_ROWS)]
    with ThreadPoolExecutor(THREADS) as pool:
        return Floor(
            _timed(pool, [partial(network.violation, part, SLA_MS) for part in parts]),
            _timed(pool, [partial(points.run, given) for given in wide]),
            _timed(pool, [partial(adf_batch, piece) for piece in pieces]),
        )


def _timed(pool: ThreadPoolExecutor, pieces: Sequence[Callable[[], object]]) -> float:
    def once() -> float:
        began = time.perf_counter()
        list(pool.map(lambda piece: piece(), pieces))
        return (time.perf_counter() - began) * 1000

    once()
    return statistics.median(once() for _ in range(TURNS))
