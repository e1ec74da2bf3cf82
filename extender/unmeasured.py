"""Estimates of the paths that nobody measured, as `/v1/matrix` lists them: never among the measured ones."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Final

from extender.errors import BadRequest
from extender.estimates import Estimator
from extender.scoretable import estimate_columns, number
from extender.windows import ABSENT, WindowStore
from scoring.estimates import Estimates

__all__ = ["unmeasured"]

AT_ONCE: Final = 250
"""Paths that are looked up and written down in one step."""


async def unmeasured(
    estimator: Estimator, store: WindowStore, sources: Sequence[str], targets: Sequence[str], most: int
) -> list[dict[str, Any]]:
    """The estimates of all paths that were measured in neither direction; raises BadRequest above `most` of them.

    Both ways are estimated alike, so the shorter list is gone through; webhooks are answered in between.
    """
    if len(sources) * len(targets) > 10 * most:
        raise _too_many(most)
    found: list[dict[str, Any]] = []
    ends, others, end, other = (
        (targets, sources, "target", "source")
        if len(targets) <= len(sources)
        else (sources, targets, "source", "target")
    )
    for name in ends:
        for begin in range(0, len(others), AT_ONCE):
            found += [
                {end: name, other: o, **row} for o, row in _of(estimator, store, name, others[begin : begin + AT_ONCE])
            ]
            await asyncio.sleep(0)
        if len(found) > most:
            raise _too_many(most)
    return found


def _of(
    estimator: Estimator, store: WindowStore, node: str, others: Sequence[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    known = (store.rows_to(node, others) != ABSENT) | (store.rows_from(node, others) != ABSENT)
    open_ones = [o for o, measured in zip(others, known.tolist(), strict=True) if o != node and not measured]
    columns = estimate_columns(Estimates(*estimator.of(node, open_ones)))
    for i, other in enumerate(open_ones):
        row = {name: number(values[i]) for name, values in columns.items()}
        if row["estimate_ms"] is not None:
            yield other, row


def _too_many(most: int) -> BadRequest:
    return BadRequest(f"more than {most} estimates are too many for one answer; narrow it with ?source= or ?target=")
