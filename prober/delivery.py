"""What one extender replica has got, and what it gets next. Pure: times come in as monotonic seconds.

One report is in flight at a time. Until it is acknowledged it keeps its number and its samples; only the ages are
stamped anew.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from prober.store import Piece, Store
from prober.wire import MAX_AGE_MS, MAX_TARGETS, Addresses, Report, Run, SelfReport

__all__ = ["Delivery", "Header"]

_OLDEST_MS: Final = MAX_AGE_MS - 1000

MOST_SAMPLES: Final = 4096
"""Samples of one report, but for a single target's ring: neither side's event loop shall stand still for long."""


@dataclass(frozen=True)
class Header:
    """What every report says beside its samples."""

    node: str
    boot: str
    interval_ms: float
    addresses: Addresses
    condition: SelfReport


@dataclass
class _Batch:
    taken_at: float
    pieces: dict[str, Piece]
    full: bool = False
    seq: int = 0


class Delivery:
    """One replica's acknowledgements; `header` gives the current header of a report.

    `on_overrun` hears how many samples were overwritten before the replica had them.
    """

    def __init__(
        self, store: Store, header: Callable[[], Header], on_overrun: Callable[[int], None] = lambda samples: None
    ) -> None:
        self._store = store
        self._header, self._on_overrun = header, on_overrun
        self._acknowledged: dict[str, int] = {}
        self._queue: deque[_Batch] = deque()
        self._seq = 0
        self._full = self._more = False
        self._most_targets = MAX_TARGETS

    @property
    def unfinished(self) -> bool:
        """Whether more reports wait behind the last one, to be sent at once."""
        return bool(self._queue) or self._full or self._more

    def report(self, now: float) -> Report:
        """The report to send now: the unacknowledged one again, else a new one, which may hold no samples."""
        if not self._queue:
            self._fill(now)
        batch = self._queue[0]
        if not batch.seq:
            self._seq += 1
            batch.seq = self._seq
        header = self._header()
        waited_ms = max(0.0, now - batch.taken_at) * 1000
        samples: dict[str, Run | list[Run]] = {}
        for target, piece in batch.pieces.items():
            runs = [aged for run in piece.runs if (aged := _aged(run, waited_ms))] if waited_ms else piece.runs
            if runs:
                samples[target] = runs if len(runs) > 1 else runs[0]
        return Report(
            node=header.node,
            boot=header.boot,
            seq=batch.seq,
            interval_ms=header.interval_ms,
            samples=samples,
            addresses=header.addresses,
            self_=header.condition,
            full=batch.full,
        )

    def accepted(self, *, resync: bool) -> None:
        """The report was applied. `resync`: the replica knows nothing of the reports before it."""
        self._acknowledge()
        if resync:
            self._acknowledged.clear()
            self._queue.clear()
            self._full = True

    def duplicate(self, last_seq: int) -> bool:
        """The replica has this report already; False if it cannot mean this one."""
        if not self._queue or last_seq < self._queue[0].seq:
            return False
        self._acknowledge()
        self._seq = max(self._seq, last_seq)
        return True

    def too_large(self) -> bool:
        """Split the report into halves by targets; False when there is nothing to split."""
        batch = self._queue[0]
        if len(batch.pieces) < 2:
            return False
        items = list(batch.pieces.items())
        self._most_targets = len(items) // 2
        first, rest = dict(items[: self._most_targets]), dict(items[self._most_targets :])
        self._queue[0] = _Batch(batch.taken_at, first, batch.full, batch.seq)
        self._queue.insert(1, _Batch(batch.taken_at, rest))
        return True

    def _fill(self, now: float) -> None:
        """Take what is new, as much as one report may hold.

        Only the first part of a whole ring says so: it makes the replica drop what it held before.
        """
        pieces: dict[str, Piece] = {}
        samples, self._more = 0, False
        for target, piece in self._store.collect(self._acknowledged, now):
            samples += sum(len(run.rtt_ms) for run in piece.runs)
            if pieces and (len(pieces) == self._most_targets or samples > MOST_SAMPLES):
                self._more = True
                break
            pieces[target] = piece
        if overrun := sum(piece.overrun for piece in pieces.values()):
            self._on_overrun(overrun)
        self._queue.append(_Batch(now, pieces, self._full))
        self._full = False

    def _acknowledge(self) -> None:
        batch = self._queue.popleft()
        self._acknowledged.update((target, piece.upto) for target, piece in batch.pieces.items())
        if len(self._acknowledged) > len(self._store):
            self._acknowledged = {t: upto for t, upto in self._acknowledged.items() if t in self._store}
        if len(batch.pieces) == self._most_targets:  # it took that much; the next may try more
            self._most_targets = min(MAX_TARGETS, 2 * self._most_targets)


def _aged(run: Run, by_ms: float) -> Run | None:
    """The run as it is `by_ms` later; None once it is too old for the format."""
    age_ms = run.age_ms + by_ms
    if age_ms + run.step_ms * len(run.rtt_ms) > _OLDEST_MS:
        return None
    return Run(age_ms=round(age_ms, 1), step_ms=run.step_ms, rtt_ms=run.rtt_ms)
