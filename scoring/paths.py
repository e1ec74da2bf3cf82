"""The input of every profile: what is known of the paths from n candidates to one peer."""

from dataclasses import dataclass

import numpy as np

from scoring import memory, noise
from scoring.arrays import Bools, Floats, Ints
from scoring.context import Context
from scoring.quantile import finite_quantile

__all__ = ["PathStats", "Paths", "last_value", "summary"]


@dataclass(frozen=True)
class Paths:
    """n paths, one row each; `scoring.arrays` states what the values of a window mean."""

    windows: Floats
    """``[n, w]``: RTT in ms, oldest first."""
    memory: Floats
    """``[n, 3, memory.BINS]``: decayed histograms; all zero where nothing is remembered."""
    noise: Floats
    """``[n, noise.BINS]``: the pooled noise of each candidate's own link; NaN where it is unknown."""
    known: Bools
    """``[n]``: whether the window is fresh. A row that is not is scored as unknown, whatever it holds."""
    adf_score: Floats | None = None
    """``[n]``: ADF scores of the windows, where the caller has them already; computed on demand otherwise."""

    context: Context | None = None
    """What surrounds the paths, where the caller knows it."""

    @classmethod
    def bare(cls, windows: Floats) -> "Paths":
        """Fresh windows ``[n, w]`` of which nothing else is known: no memory, no noise."""
        n = len(windows)
        return cls(windows, memory.empty(n), noise.unknown(n), np.ones(n, dtype=bool))

    def take(self, rows: Ints) -> "Paths":
        """Return some of the paths; those that follow each other are not copied."""
        consecutive = rows.size > 0 and rows[-1] - rows[0] + 1 == rows.size and (np.diff(rows) == 1).all()
        part = slice(int(rows[0]), int(rows[-1]) + 1) if consecutive else rows
        adf = None if self.adf_score is None else self.adf_score[part]
        context = None if self.context is None else self.context.take(part)
        return Paths(self.windows[part], self.memory[part], self.noise[part], self.known[part], adf, context)

    @property
    def measured(self) -> Bools:
        """Return ``[n]``: whether the row is fresh and holds at least one measured slot."""
        return self.known & ~np.isnan(self.windows).all(axis=1)


@dataclass(frozen=True)
class PathStats:
    """What `explain` shows of each path; all ``[n]``."""

    mean_ms: Floats
    """Mean of the finite samples; NaN without one."""
    median_ms: Floats
    """Median of the finite samples; NaN without one."""
    last_ms: Floats
    """The newest slot that was measured: +inf if that ping was lost, NaN if nothing was measured."""
    loss: Floats
    """Fraction of the measured slots that were lost; NaN if nothing was measured."""
    coverage: Floats
    """Measured slots / slots of the window, 0..1."""
    samples: Ints
    """Number of measured slots, losses included."""


def last_value(windows: Floats) -> Floats:
    """Return ``[n]``: the newest measured slot of each row, +inf if it was lost, NaN if there is none."""
    n, w = windows.shape
    if w == 0:
        return np.full(n, np.nan)
    newest = w - 1 - np.argmax(~np.isnan(windows[:, ::-1]), axis=1)
    last: Floats = windows[np.arange(n), newest]
    return last


def summary(windows: Floats) -> PathStats:
    """Summarise windows ``[n, w]``, gaps and losses kept apart."""
    finite, lost = np.isfinite(windows), np.isposinf(windows)
    returned, losses = finite.sum(axis=1), lost.sum(axis=1)
    samples = returned + losses
    total = np.where(finite, windows, 0.0).sum(axis=1)
    return PathStats(
        mean_ms=np.where(returned > 0, total / np.maximum(returned, 1), np.nan),
        median_ms=finite_quantile(windows, 0.5),
        last_ms=last_value(windows),
        loss=np.where(samples > 0, losses / np.maximum(samples, 1), np.nan),
        coverage=samples / max(windows.shape[1], 1),
        samples=samples.astype(np.int64),
    )
