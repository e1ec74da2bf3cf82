"""The scores of one decision, with all that `explain` shows of them made after the answer.

Until then a decision holds no more than the snapshots that it was made from and the candidates' places in them.
"""

import asyncio
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extender.analysed import Analysed, Found
from extender.candidates import Candidates, Places
from extender.evaluate import Evaluation
from extender.gather import Direction
from extender.scoretable import PathTable, ScoreTable, estimate_columns
from extender.snapshot import Snapshot
from extender.standing import Standing
from extender.violations import NAIVE_NAME
from scoring.estimates import Estimates

__all__ = ["Part", "StandingTable"]


@dataclass(frozen=True, eq=False)
class Part:
    """What the costs towards one peer were made from."""

    standing: Standing
    snapshot: Snapshot
    by_model: bool
    """Whether the model's violations counted, for those candidates of which it says something."""
    decided: bool
    """Whether a forecast was asked for at all."""


class StandingTable:
    """Scores of n candidates; as `extender.scoretable.ScoreTable`, which it becomes when it is settled."""

    def __init__(
        self,
        candidates: Candidates,
        profile: str,
        sla_ms: float | None,
        evaluation: Evaluation,
        parts: Sequence[Part],
        now: float,
        note: str,
    ) -> None:
        self.candidates, self.profile, self.sla_ms, self.evaluation = candidates, profile, sla_ms, evaluation
        self.note, self._parts, self._now = note, parts, now
        self.standings = [part.standing for part in parts]
        self._table: ScoreTable | None = None
        self._found: Sequence[Found] = ()

    @property
    def table(self) -> "StandingTable":
        """Itself: as `extender.scorer.Scored` has one."""
        return self

    @property
    def names(self) -> Sequence[str]:
        """The candidates."""
        return self.candidates.names

    @property
    def unit(self) -> str:
        """The unit of the costs."""
        return self.evaluation.costs.unit

    def unknown(self) -> Iterator[tuple[str, str]]:
        """(peer, node) of the paths of which nothing fresh is known."""
        for part in self._parts:
            nothing = np.flatnonzero(part.snapshot.unknown[self.candidates.places])
            for name in self.candidates.named(nothing) if nothing.size else ():
                yield part.standing.peer, name

    def find(self, node: str) -> int | None:
        """Which candidate this node is."""
        found = np.flatnonzero(self.candidates.places == self.candidates.index.find(node))
        return int(found[0]) if found.size else None

    def name(self, i: int) -> str:
        """A candidate's name."""
        return self.candidates.index.names[int(self.candidates.places[i])]

    def paths_of(self, i: int, most: int) -> list[PathTable]:
        """A candidate's paths to the first peers, each a table of one row: without making all the others'."""
        if self._table is not None:
            return self._table.paths_of(i, most)
        return [self._path(part, self.candidates.places[i : i + 1]) for part in self._parts[:most]]

    @property
    def peers(self) -> int:
        """To how many peers there are paths."""
        return len(self.standings)

    def outvoted(self, node: str, failed: Container[str]) -> bool:
        """Whether a candidate that had not failed scored higher than this one."""
        i = self.find(node)
        if i is None or node in failed:
            return False
        higher = np.flatnonzero(self.evaluation.scores > self.evaluation.scores[i])
        return any(name not in failed for name in self.candidates.named(higher))

    def working(self) -> Iterator[None]:
        """Summarise what this decision was made from, a small slice at each step."""
        for part in self._parts:
            yield from part.standing.shown.waiting(part.snapshot.epoch)
        self.settled()

    async def settle(self) -> None:
        """Have all numbers ready, with webhooks answered in between."""
        for _ in self.working():
            await asyncio.sleep(0)

    def settled(self) -> ScoreTable:
        """All numbers. Decisions must be settled in the order in which they were made."""
        if self._table is None:
            paths = [self._path(part, self.candidates.places) for part in self._parts]
            self._table = ScoreTable(
                _Names(self.candidates), self.profile, self.sla_ms, self.evaluation, paths, self.note
            )
            self._parts = ()
        return self._table

    @property
    def paths(self) -> list[PathTable]:
        """What was known of the paths to each peer."""
        return self._complete().paths

    def rows(self) -> list[dict[str, Any]]:
        """The candidates as JSON, best first."""
        return self._complete().rows()

    def _path(self, part: Part, places: Places) -> PathTable:
        samples, columns = part.standing.shown.through(part.snapshot.epoch)
        own = {name: column[places] for name, column in columns.items()}
        own["age_s"] = self._now - own["age_s"]
        known = part.snapshot.columns  # one column after the other: all of them together are many times as much
        direction = known["direction"][places]
        if np.count_nonzero(direction == Direction.ESTIMATE):
            own |= estimate_columns(Estimates(known["estimate_ms"][places], known["sigma_log"][places]))
        path = PathTable(part.standing.peer, direction, samples[places], own)
        foresight = part.snapshot.foresight
        if part.decided and foresight is not None:
            ours = part.snapshot.by_model[places] if part.by_model and part.snapshot.by_model is not None else None
            path.decided_by(_MadeBy(foresight.name, ours, len(places)))
        return path

    def add(self, analysed: Sequence[Analysed]) -> None:
        """Add what is known of the paths to each peer by now; it is worked out when somebody looks."""
        self._found = [one.found(self.candidates.places) for one in analysed]

    def _complete(self) -> ScoreTable:
        """All numbers with what was analysed."""
        table, found = self.settled(), self._found
        for path, one in zip(table.paths, found, strict=bool(found)):
            one.add_to(path, self.sla_ms)
        if self._found is found:  # another thread may have been looking while more was found
            self._found = ()
        return table


class _Names(Sequence[str]):
    """[n] the candidates' names, looked up when somebody reads them."""

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates

    def __len__(self) -> int:
        return len(self._candidates)

    def __getitem__(self, i: Any) -> Any:
        return self._candidates.names[i]


class _MadeBy(Sequence[str]):
    """[n]: who made the forecast that counted."""

    def __init__(self, model: str, ours: NDArray[np.bool_] | None, count: int) -> None:
        self._model, self._ours, self._count = model, ours, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, i: Any) -> Any:
        if i >= self._count:
            raise IndexError(i)
        return self._model if self._ours is not None and self._ours[i] else NAIVE_NAME
