"""The rings of all targets, and what of them a replica has not acknowledged yet."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from prober.ring import Ring
from prober.wire import Run

__all__ = ["RETAIN_S", "Piece", "Store"]

RETAIN_S: Final = 600.0
"""How long the ring of a removed target is kept: a restarting extender may name no targets for a moment."""


class Piece(NamedTuple):
    """One target's part of a report; `upto` is the index to acknowledge.

    `overrun` samples before it were overwritten before they were acknowledged.
    """

    runs: list[Run]
    upto: int
    overrun: int = 0


class Store:
    """A ring per target name."""

    def __init__(self, ring_samples: int) -> None:
        self._ring_samples = ring_samples
        self._rings: dict[str, Ring] = {}
        self._retired: dict[str, float] = {}
        self._first = 0

    def __contains__(self, target: str) -> bool:
        return target in self._rings

    def __len__(self) -> int:
        return len(self._rings)

    def ring(self, target: str) -> Ring:
        """The target's ring, made on first use."""
        self._retired.pop(target, None)
        found = self._rings.get(target)
        if found is None:
            found = self._rings[target] = Ring(self._ring_samples, self._first)
        return found

    def retire(self, target: str, now: float) -> None:
        """The target is no longer probed; its samples stay reportable for a while."""
        if target in self._rings:
            self._retired[target] = now

    def collect(self, acknowledged: Mapping[str, int], now: float) -> Iterator[tuple[str, Piece]]:
        """What lies behind the acknowledged index of each target; no entry means that nothing was acknowledged.

        Lazy, because a reader of whole rings stops when a report is full.
        """
        self._forget(now)
        for target, ring in self._rings.items():
            since = acknowledged.get(target, 0)
            if since < ring.decided and (runs := ring.runs_since(since, now)):
                overrun = max(0, ring.oldest - since) if target in acknowledged else 0
                yield target, Piece(runs, ring.decided, overrun)

    def _forget(self, now: float) -> None:
        """Drop what was retired long ago; a ring made later starts behind it, so old acknowledgements stay true."""
        for target in [t for t, since in self._retired.items() if now - since > RETAIN_S]:
            del self._retired[target]
            self._first = max(self._first, self._rings.pop(target).end)
