"""Estimates of the paths that nobody measured, as `/v1/matrix` lists them: never among the measured ones."""

from collections.abc import Container, Iterator, Sequence
from typing import Any

from extender.errors import BadRequest
from extender.estimates import Estimator
from extender.scoretable import estimate_columns, number
from scoring.estimates import Estimates

__all__ = ["unmeasured"]


def unmeasured(
    estimator: Estimator,
    sources: Sequence[str],
    targets: Sequence[str],
    measured: Container[tuple[str, str]],
    most: int,
) -> list[dict[str, Any]]:
    """The estimates of all paths that were measured in neither direction; raises BadRequest above `most` of them."""
    if len(sources) * len(targets) > 10 * most:
        raise _too_many(most)
    found: list[dict[str, Any]] = []
    for target in targets:
        found += _to(estimator, target, sources, measured)
        if len(found) > most:
            raise _too_many(most)
    return found


def _to(
    estimator: Estimator, target: str, sources: Sequence[str], measured: Container[tuple[str, str]]
) -> Iterator[dict[str, Any]]:
    open_ones = [s for s in sources if s != target and (s, target) not in measured and (target, s) not in measured]
    columns = estimate_columns(Estimates(*estimator.of(target, open_ones)))
    for i, source in enumerate(open_ones):
        row = {name: number(values[i]) for name, values in columns.items()}
        if row["estimate_ms"] is not None:
            yield {"source": source, "target": target, **row}


def _too_many(most: int) -> BadRequest:
    return BadRequest(f"more than {most} estimates are too many for one answer; narrow it with ?source= or ?target=")
