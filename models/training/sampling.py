"""Batches of windows and their futures, drawn at random from series and from made-up ones.

What is drawn depends on the seed and the epoch alone, so that a run that was resumed sees what it would have seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor

from models.data.errors import DataError
from models.data.series import Float32s, Series
from models.runtime.filling import filled
from models.synthetic import generate
from models.windows import WINDOW_SLOTS, usable
from scoring.forecast import HORIZON_SLOTS

__all__ = ["CASE_SLOTS", "Mixture", "PathSampler", "Sampler", "SyntheticSampler", "as_tensors"]

CASE_SLOTS: Final = WINDOW_SLOTS + HORIZON_SLOTS


class Sampler(Protocol):
    """A source of cases."""

    def draw(self, rng: np.random.Generator, n: int) -> Float32s:
        """Return ``[at most n, window + horizon]`` in ms; NaN and inf as in `Series`."""
        ...


@dataclass(frozen=True)
class PathSampler:
    """Cases from anywhere in the series, the whole case within them.

    With a stride above 1 only every so many slots are seen, the reading before a gap being held: a source that repeats
    its readings then repeats them less, and the network cannot come to rely on that.
    """

    series: Series
    stride: int = 1

    def __post_init__(self) -> None:
        if self._starts < 1:
            needed = CASE_SLOTS * self.stride
            raise DataError(
                f"{self.series.name}: {self.series.slots} slots of {self.series.interval_s:g} s to train on; "
                f"at least {needed} are needed, and several hundred to learn anything"
            )

    @property
    def _starts(self) -> int:
        return self.series.slots - CASE_SLOTS * self.stride + 1

    @cached_property
    def _source(self) -> Float32s:
        if self.stride == 1:
            return self.series.rtt_ms
        measured = np.isfinite(self.series.rtt_ms).any(axis=1)
        return filled(self.series.rtt_ms[measured].astype(np.float64), self.series.slots)

    def draw(self, rng: np.random.Generator, n: int) -> Float32s:
        """Return at most n cases: those drawn that have samples enough."""
        rows = rng.integers(0, len(self._source), n)
        starts = rng.integers(0, self._starts, n)
        drawn = self._source[rows[:, None], starts[:, None] + np.arange(CASE_SLOTS) * self.stride]
        kept: Float32s = drawn[usable(drawn[:, :WINDOW_SLOTS], drawn[:, WINDOW_SLOTS:])]
        return kept


@dataclass(frozen=True)
class SyntheticSampler:
    """Cases of made-up series, each seen once."""

    kind: str

    def draw(self, rng: np.random.Generator, n: int) -> Float32s:
        """Return n cases of a new seed."""
        return generate(self.kind, n, CASE_SLOTS, int(rng.integers(2**40))).astype(np.float32)


@dataclass(frozen=True)
class Mixture:
    """Batches with a fixed number of cases of each source."""

    parts: Sequence[tuple[int, Sampler]]
    """(cases in a batch, source)."""
    batches: int
    """In an epoch."""
    seed: int = 0
    empty: Float32s = field(default_factory=lambda: np.empty((0, CASE_SLOTS), np.float32))

    def __call__(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield an epoch's batches; raises DataError for one without a single usable case."""
        rng = np.random.default_rng((self.seed, epoch))
        for _ in range(self.batches):
            drawn = np.concatenate([self.empty, *(sampler.draw(rng, n) for n, sampler in self.parts)])
            if not len(drawn):
                raise DataError("hardly any window of the data has samples enough; use a longer --interval-s")
            yield as_tensors(drawn)


def as_tensors(drawn: Float32s) -> tuple[Tensor, Tensor]:
    """Return windows ``[n, w]`` as a network sees them, and futures ``[n, h]``, from cases ``[n, w + h]``."""
    windows = filled(drawn[:, :WINDOW_SLOTS].astype(np.float64), WINDOW_SLOTS)
    return torch.from_numpy(windows), torch.from_numpy(np.ascontiguousarray(drawn[:, WINDOW_SLOTS:]))
