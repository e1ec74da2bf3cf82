"""Stretches of regular samples, written at once: what a prober kept while nobody asked, or its whole ring.

Where every sample opens a slot of its own, nothing depends on the order of writing but the long memory's decay, and
that is a sum: ``weight(now) = sum 2^(-(now - t_i) / half-life)``. So whole runs go into the columns together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extender.arrays import RECENT, Floats, RowArrays, Rows
from extender.slots import Slots
from scoring import memory

__all__ = ["on_grid", "write_stretches"]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class _Stretches:
    """Samples of n distinct rows, one row's after the other's."""

    rows: Rows
    """[n]"""
    count: Ints
    """[n] samples of each row, one at least."""
    place: Ints
    """[m]: which of the rows each sample is of."""
    first: Ints
    """[n]: each row's first sample."""
    at: Floats
    rtt_ms: Floats
    """[m]"""

    @property
    def last(self) -> Ints:
        """[n]: each row's last sample."""
        return self.first + self.count - 1

    def running(self, values: Ints) -> Ints:
        """[m] sums within each row, from its first sample to this one."""
        total = np.cumsum(values)
        return total - (total[self.first] - values[self.first])[self.place]

    def shifted(self, values: Floats, before: Floats) -> Floats:
        """[m] of each sample's predecessor; `before` [n] for the first ones."""
        moved = np.empty_like(values)
        moved[1:] = values[:-1]
        moved[self.first] = before
        return moved


def on_grid(columns: RowArrays, rows: Rows) -> NDArray[np.bool_]:
    """[n]: whether the last sample of a row set its grid: then the next regular one follows from it alone."""
    return np.asarray(columns.anchor[rows] == columns.seen[rows])


def write_stretches(slots: Slots, columns: RowArrays, rows: Rows, count: Ints, at: Floats, rtt_ms: Floats) -> None:
    """Write `count` [n] samples of each of n distinct rows; the result is that of `Slots.append` one by one.

    Every row is on its grid, and each sample three quarters of an interval or more after its predecessor. `at` and
    `rtt_ms` are [sum of count], row by row, in order.
    """
    place = np.repeat(np.arange(len(rows)), count)
    one = _Stretches(rows, count, place, np.cumsum(count) - count, at, rtt_ms)
    before = one.shifted(at, columns.anchor[rows])
    closing = one.shifted(rtt_ms, columns.ring[rows, columns.head[rows]].astype(np.float64))
    _remember(slots, columns, one, closing, before)
    _fill_ring(slots, columns, one, slots.steps(before, at))
    columns.anchor[rows] = columns.seen[rows] = at[one.last]
    _keep_raw(slots, columns, one)


def _remember(slots: Slots, a: RowArrays, one: _Stretches, closing: Floats, at: Floats) -> None:
    """Fold the slots that close into the long memory: [m] values and times, one for each sample that opens a slot."""
    new = ~np.isnan(closing) & (at > a.long_at[one.rows][one.place] + slots.interval_s / 2)
    latest = np.full(len(one.rows), -np.inf)
    np.maximum.at(latest, one.place[new], at[new])
    some = np.isfinite(latest)
    rows, until = one.rows[some], latest[some]
    if not len(rows):
        return
    since = a.long_at[rows]
    factor = memory.decay_factor(np.where(np.isfinite(since), until - since, 0.0))
    weight = memory.decay_factor(latest[one.place[new]] - at[new])
    bucket = memory.bucket_of(closing[new].astype(np.float32).astype(np.float64))
    cell = (np.cumsum(some) - 1)[one.place[new]] * memory.BINS + bucket
    added = [np.bincount(cell, weight[:, h], len(rows) * memory.BINS) for h in range(weight.shape[1])]
    a.long[rows] = a.long[rows] * factor[:, :, None] + np.stack([s.reshape(-1, memory.BINS) for s in added], axis=1)
    a.long_at[rows] = until


def _fill_ring(slots: Slots, a: RowArrays, one: _Stretches, steps: Ints) -> None:
    """Each sample into its slot, the slots between unmeasured; of more than fit the latest."""
    passed = one.running(steps)
    total = passed[one.last]
    head = a.head[one.rows].astype(np.int64)
    slots.open(one.rows, total)
    kept = total[one.place] - passed < a.slots
    place = one.place[kept]
    a.ring[one.rows[place], (head[place] + passed[kept]) % a.slots] = one.rtt_ms[kept]


def _keep_raw(slots: Slots, a: RowArrays, one: _Stretches) -> None:
    """The last raw samples with their times, unmeasured ones left out."""
    measured = ~np.isnan(one.rtt_ms)
    nth = one.running(measured.astype(np.int64))
    total = nth[one.last]
    a.in_slot[one.rows] = measured[one.last]
    head = a.recent_head[one.rows].astype(np.int64)
    a.recent_head[one.rows] = (head + total) % RECENT
    kept = measured & (total[one.place] - nth < RECENT)
    place, at = one.place[kept], one.at[kept]
    latest = np.full(len(one.rows), -np.inf)
    np.maximum.at(latest, place, at)
    some = np.isfinite(latest)
    a.last[one.rows[some]] = latest[some]
    slots.since_base(one.rows[some], latest[some])  # the base may move, and then all times count from the new one
    row, cell = one.rows[place], (head[place] + nth[kept]) % RECENT
    a.recent_ms[row, cell], a.recent_at[row, cell] = one.rtt_ms[kept], at - a.base[row]
