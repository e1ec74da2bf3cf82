"""A trace: every node's round trips to every other, slice by slice."""

import hashlib
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from neilats.traces.fresh import repetitions

__all__ = ["MOST_BYTES", "Trace", "TraceError"]

MOST_BYTES: Final = 4 * 1024**3
"""A larger array is a mistake of units or of the interval, or more than a replay can hold beside its windows."""


class TraceError(ValueError):
    """A trace that cannot be used; the text says what is wrong, where, and what to do."""


LOSSY_NODES: Final = 0.08
LOSSY_LINKS: Final = 0.15
LOSS_RATES: Final = (0.01, 0.5)
"""Shares of the nodes and links of a lossy trace that lose pings for a while, and how many of them."""


@dataclass(frozen=True)
class Trace:
    """Round trips between N nodes in T slices of one length."""

    rtt_ms: NDArray[np.float32]
    """``[T, N, N]`` ms; [t, i, j] is the RTT from i to j in slice t: +inf lost, NaN not measured, NaN on the diagonal.
    Single precision, as the extender's windows hold it."""
    interval_s: float
    """Seconds between two slices."""
    nodes: tuple[str, ...]
    """N names."""
    warnings: tuple[str, ...] = ()
    """What a reader should know: gaps, parts of a recording that could not be read."""

    def __post_init__(self) -> None:
        shape = self.rtt_ms.shape
        if len(shape) != 3 or shape[1:] != (len(self.nodes),) * 2:
            raise TraceError(f"rtt_ms has the shape {list(shape)}; expected [slices, {len(self.nodes)}, same]")
        if not (np.isfinite(self.interval_s) and self.interval_s > 0):
            raise TraceError(f"interval_s is {self.interval_s:g}; expected seconds above 0")

    def __len__(self) -> int:
        return len(self.rtt_ms)

    @property
    def sha256(self) -> str:
        """The digest of everything that a model or a replay sees of the trace."""
        digest = hashlib.sha256(f"{self.rtt_ms.shape} {self.interval_s!r} {self.nodes!r}".encode())
        # All NaN alike: which bits a NaN has is an accident of where it came from.
        digest.update(np.where(np.isnan(self.rtt_ms), np.float32(np.nan), self.rtt_ms).astype("<f4").tobytes())
        return digest.hexdigest()

    @property
    def step_slices(self) -> int:
        """How many slices apart a path's readings typically are (median): 1 if it is measured in every slice."""
        measured = ~np.isnan(self.rtt_ms)
        times = np.nonzero(measured.transpose(1, 2, 0).reshape(-1, len(self)))
        gaps = np.diff(times[1])[np.diff(times[0]) == 0]
        return int(np.median(gaps)) if gaps.size else 1

    def sliced(self, start: int = 0, end: int | None = None) -> Self:
        """Only the slices from `start` to before `end`."""
        return replace(self, rtt_ms=self.rtt_ms[start:end])

    def fresh_only(self) -> Self:
        """Without the readings that repeat an older one (`neilats.traces.fresh`): those become not measured."""
        rtt_ms = np.where(repetitions(self.rtt_ms), np.float32(np.nan), self.rtt_ms)
        return replace(self, rtt_ms=rtt_ms)

    def lossy(self, rng: np.random.Generator) -> Self:
        """As if some links and some whole nodes lost pings for a while, each at a rate of its own."""
        length, count = len(self), len(self.nodes)
        rate = np.zeros_like(self.rtt_ms)
        for node in np.flatnonzero(rng.random(count) < LOSSY_NODES):
            part = rate[_span(rng, length)]
            part[:, node, :] = part[:, :, node] = rng.uniform(*LOSS_RATES)
        for i, j in np.argwhere(rng.random((count, count)) < LOSSY_LINKS):
            rate[_span(rng, length), i, j] = rng.uniform(*LOSS_RATES)
        lost = (rng.random(rate.shape, np.float32) < rate) & ~np.isnan(self.rtt_ms)
        return replace(self, rtt_ms=np.where(lost, np.float32(np.inf), self.rtt_ms))

    def mask(self, targets: int, rng: np.random.Generator) -> Self:
        """As if each node measured only so many targets, drawn at random once; the others become not measured."""
        count = len(self.nodes)
        if targets < 1:
            raise TraceError(f"each node must measure at least one target, not {targets}")
        order = rng.random((count, count))
        np.fill_diagonal(order, np.inf)  # the node itself comes last
        kept = order.argsort(axis=1).argsort(axis=1) < targets
        return replace(self, rtt_ms=np.where(kept, self.rtt_ms, np.float32(np.nan)))


def _span(rng: np.random.Generator, length: int) -> slice:
    """Somewhere, for a third of the time on average."""
    begin = int(rng.integers(-length // 3, length))
    return slice(max(begin, 0), max(begin, 0) + 1 + int(rng.exponential(length / 3)))


def as_rtt(values: NDArray[np.float64] | NDArray[np.float32]) -> NDArray[np.float32]:
    """[T, N, N] values in the precision and with the diagonal that a trace has."""
    rtt_ms = np.array(values, dtype=np.float32)
    each = np.arange(rtt_ms.shape[1])
    rtt_ms[:, each, each] = np.nan
    return rtt_ms
