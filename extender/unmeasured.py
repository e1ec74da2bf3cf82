"""Estimates of the paths that nobody measured, as `/v1/matrix` lists them: never among the measured ones."""

from collections.abc import Iterator, Sequence
from typing import Any

from extender.errors import BadRequest
from extender.estimates import Estimator
from extender.scoretable import estimate_columns, number
from extender.windows import ABSENT, WindowStore
from scoring.estimates import Estimates

__all__ = ["unmeasured"]


def unmeasured(
    estimator: Estimator, store: WindowStore, sources: Sequence[str], targets: Sequence[str], most: int
) -> list[dict[str, Any]]:
    """The estimates of all paths that were measured in neither direction; raises BadRequest above `most` of them."""
    if len(sources) * len(targets) > 10 * most:
        raise _too_many(most)
    found: list[dict[str, Any]] = []
    for target in targets:
        found += _to(estimator, store, target, sources)
        if len(found) > most:
            raise _too_many(most)
    return found


def _to(estimator: Estimator, store: WindowStore, target: str, sources: Sequence[str]) -> Iterator[dict[str, Any]]:
    known = (store.rows_to(target, sources) != ABSENT) | (store.rows_from(target, sources) != ABSENT)
    open_ones = [s for s, measured in zip(sources, known.tolist(), strict=True) if s != target and not measured]
    columns = estimate_columns(Estimates(*estimator.of(target, open_ones)))
    for i, source in enumerate(open_ones):
        row = {name: number(values[i]) for name, values in columns.items()}
        if row["estimate_ms"] is not None:
            yield {"source": source, "target": target, **row}


def _too_many(most: int) -> BadRequest:
    return BadRequest(f"more than {most} estimates are too many for one answer; narrow it with ?source= or ?target=")
