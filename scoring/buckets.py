"""Histograms over log-spaced buckets: an RTT matters by its ratio to others, from microseconds to seconds.

A grid with k edges has k + 2 buckets: one up to the first edge, one between each two edges, one above the last edge,
and one for losses. An edge belongs to the bucket below it, because a value that equals an SLA keeps it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scoring.arrays import Floats, Ints

__all__ = ["UNMEASURED", "LogGrid"]

UNMEASURED = -1
"""The bucket of a sample that does not exist (NaN)."""


@dataclass(frozen=True)
class LogGrid:
    """Buckets whose edges, in ms, form a geometric series."""

    first_ms: float
    last_ms: float
    edge_count: int

    @property
    def ratio(self) -> float:
        """Return the ratio of one edge to the one before it."""
        return float((self.last_ms / self.first_ms) ** (1.0 / (self.edge_count - 1)))

    @cached_property
    def edges(self) -> Floats:
        """Return ``[edge_count]``: the upper edges of all buckets but the last two, in ms."""
        edges: Floats = np.geomspace(self.first_ms, self.last_ms, self.edge_count)
        return edges

    @property
    def size(self) -> int:
        """Return the number of buckets, the one for losses included (the last)."""
        return self.edge_count + 2

    @cached_property
    def middles(self) -> Floats:
        """Return ``[size - 1]``: the geometric middle of each bucket but that of the losses, in ms.

        The two open buckets are taken to be as wide as the others.
        """
        edges = self.edges
        middles: Floats = np.append(edges, edges[-1] * self.ratio) / np.sqrt(self.ratio)
        return middles

    def bucket_of(self, rtt_ms: Floats) -> Ints:
        """Return the bucket of each RTT: the last for a loss (+inf), `UNMEASURED` for NaN."""
        rtt = np.asarray(rtt_ms, dtype=np.float64)
        found = np.searchsorted(self.edges, rtt, side="left").astype(np.int64)
        found = np.where(np.isposinf(rtt), self.size - 1, found)
        return np.where(np.isnan(rtt), UNMEASURED, found)

    def weight_above(self, hist: Floats, threshold_ms: Floats) -> Floats:
        """Return how much of each histogram lies above a threshold.

        Inside the threshold's bucket the weight is spread evenly over log RTT (linear in log); losses are always
        above. The two open buckets are taken to be as wide as the others.

        Args:
            hist: ``[..., size]`` weights.
            threshold_ms: ``[...]`` one threshold per histogram; at or below 0 everything lies above.
        """
        bucket, part = self._split(np.broadcast_to(threshold_ms, hist.shape[:-1]))
        tail = np.flip(np.cumsum(np.flip(hist, axis=-1), axis=-1), axis=-1)
        above = np.take_along_axis(tail, bucket[..., None] + 1, axis=-1)[..., 0]
        inside = np.take_along_axis(hist, bucket[..., None], axis=-1)[..., 0]
        result: Floats = above + inside * part
        return result

    def shares_above(self, threshold_ms: float) -> Floats:
        """Return ``[size]``: which part of each bucket lies above one threshold, as `weight_above` spreads it."""
        bucket, part = self._split(np.array(threshold_ms))
        shares: Floats = (np.arange(self.size) > bucket).astype(np.float64)
        shares[bucket] = part
        return shares

    def _split(self, threshold_ms: Floats) -> tuple[Ints, Floats]:
        """Return the bucket of each threshold, and which part of that bucket lies above it."""
        uppers = np.append(self.edges, self.edges[-1] * self.ratio)
        threshold = np.clip(threshold_ms, uppers[0] / self.ratio, uppers[-1])
        bucket = np.minimum(np.searchsorted(self.edges, threshold, side="left"), self.size - 2)
        return bucket, np.clip(np.log(uppers[bucket] / threshold) / np.log(self.ratio), 0.0, 1.0)
