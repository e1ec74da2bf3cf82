"""Training data and, later in time, validation data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from models.data import DataError, Source
from models.windows import Cases, cases
from scoring.forecast import HORIZON_SLOTS

__all__ = ["Split", "ranges", "split"]


@dataclass(frozen=True)
class Split:
    """One source, cut in time."""

    training: Source
    validation: Cases | None
    """Their futures lie behind everything that training sees; their windows may reach back into it."""
    from_slot: int | None
    """The first slot that only validates."""


def split(
    sources: Sequence[Source], share: float, step: int = HORIZON_SLOTS, horizon: int = HORIZON_SLOTS
) -> list[Split]:
    """Cut the latest `share` of each source off, at least one horizon; nothing for 0.

    Raises DataError for a source too short to be cut, which names it.
    """
    return [_split(source, share, step, horizon) for source in sources]


def _split(source: Source, share: float, step: int, horizon: int) -> Split:
    if share == 0:
        return Split(source, None, None)
    series = source.series
    cut = series.origin_slot + series.slots - max(round(share * series.slots), horizon)
    if cut - series.origin_slot < 2 * HORIZON_SLOTS:
        raise DataError(
            f"{source.name}: {series.slots} slots of {series.interval_s:g} s; about "
            f"{2 * HORIZON_SLOTS} are needed to train on, and {horizon} more to validate"
        )
    return Split(source.before(cut), cases(series, cut, step, horizon=horizon), cut)


def ranges(parts: Sequence[Split]) -> dict[str, Any]:
    """What a manifest says of the cut: the slots of each source that were trained on, the end not included."""
    names = _short([part.training.name for part in parts])
    cuts = [part.training.series for part in parts]
    return {
        "slots": {name: [cut.origin_slot, cut.origin_slot + cut.slots] for name, cut in zip(names, cuts, strict=True)},
        "paths": sum(len(part.training.series.rtt_ms) for part in parts),
    }


def _short(names: Sequence[str]) -> list[str]:
    """File names without their folders, which mean nothing elsewhere, where these tell the sources apart."""
    short = [PurePath(name).name for name in names]
    return short if len(set(short)) == len(short) else list(names)
