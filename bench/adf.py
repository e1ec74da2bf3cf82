"""The batched ADF test against a loop of statsmodels' adfuller."""

import warnings
from collections.abc import Iterator

import numpy as np
from statsmodels.tsa.stattools import adfuller

from bench.timing import Row, interleaved
from scoring.adf import adf_batch

__all__ = ["rows"]

WINDOWS = 5000
LOOPED = 100
"""Windows in one turn of the loop; its time is scaled up, because 5,000 would take seconds a turn."""


def rows() -> Iterator[Row]:
    """5,000 windows of 30."""
    rng = np.random.default_rng(0)
    windows = np.abs(
        10 + np.cumsum(rng.standard_normal((WINDOWS, 30)), axis=1) * 0.1 + rng.standard_normal((WINDOWS, 30))
    )

    def loop() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for window in windows[:LOOPED]:
                adfuller(window)

    ours, theirs = interleaved(lambda: adf_batch(windows), loop, 7)
    theirs *= WINDOWS / LOOPED
    yield Row("ADF, 5,000 windows of 30", ours, "a loop of adfuller", theirs, ">= 150 x faster", theirs / ours >= 150)
