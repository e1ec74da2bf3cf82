"""The shared network that is told the SLA: how often will a path break it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from models.errors import ArtefactError
from models.runtime.filling import enough_samples
from models.runtime.session import OnnxModel
from scoring.arrays import Floats
from scoring.attainment import naive_violation
from scoring.features import CHANNELS, NAMES, SEQUENCE_SLOTS, inputs
from scoring.paths import Paths

__all__ = ["FEATURES", "SEQUENCE", "VIOLATION", "VIOLATION_KIND", "ViolationNetwork"]

VIOLATION_KIND: Final = "violation"

SEQUENCE: Final = "sequence"
"""``[n, SEQUENCE_SLOTS, CHANNELS]`` of `scoring.features`."""
FEATURES: Final = "features"
"""``[n, NAMES]`` of `scoring.features`, NaN where unknown; the manifest's ``architecture.features`` names them."""
VIOLATION: Final = "violation"
"""``[n]`` or ``[n, 1]``: P(RTT > SLA) over the horizon."""

_INPUTS: Final = {SEQUENCE: ["n", SEQUENCE_SLOTS, len(CHANNELS)], FEATURES: ["n", len(NAMES)]}
_OUTPUTS: Final = ({VIOLATION: ["n"]}, {VIOLATION: ["n", 1]})


@dataclass(frozen=True)
class ViolationNetwork:
    """A `models.runtime.estimator.ViolationEstimator`.

    Raises ArtefactError for a model of another kind, or one that was trained on other features than ours: numbers in
    the place of others would pass every check of shapes.
    """

    model: OnnxModel

    def __post_init__(self) -> None:
        manifest, source = self.model.manifest, self.model.source
        if manifest.kind != VIOLATION_KIND:
            raise ArtefactError(f"{source}: kind {manifest.kind!r}, expected {VIOLATION_KIND!r}")
        if difference := _difference(manifest.architecture.get("features"), NAMES):
            raise ArtefactError(
                f"{source}: trained on other features than this neilats computes: {difference}; train it again"
            )
        if manifest.inputs != _INPUTS or manifest.outputs not in _OUTPUTS:
            raise ArtefactError(
                f"{source}: takes {manifest.inputs} and gives {manifest.outputs}; "
                f"expected {_INPUTS} and one {VIOLATION!r} a row"
            )

    @property
    def name(self) -> str:
        """The artefact's name."""
        return self.model.manifest.name

    def violation(self, paths: Paths, sla_ms: float) -> Floats:
        """Return ``[n]``: P(RTT > sla_ms), 0..1; NaN for paths that are unknown or have too few samples."""
        result = np.full(len(paths.windows), np.nan)
        rows = np.flatnonzero(paths.known & enough_samples(paths.windows, paths.windows.shape[1]))
        if rows.size:
            result[rows] = self._run(paths if rows.size == len(result) else paths.take(rows), sla_ms)
        return result

    def _run(self, paths: Paths, sla_ms: float) -> Floats:
        given = inputs(paths, sla_ms)
        outputs = self.model.run({SEQUENCE: given.sequence, FEATURES: given.features})
        answer = outputs[VIOLATION].astype(np.float64).reshape(len(paths.windows))
        # What is lost breaks every SLA: whatever a network makes of it, it is not less than the share that was lost.
        least = np.nan_to_num(naive_violation(paths, np.inf))
        return np.where(np.isfinite(answer), np.clip(answer, least, 1.0), np.nan)


def _difference(found: Any, expected: Sequence[str]) -> str:
    """How the manifest's features differ from ours, or nothing if they do not."""
    if not isinstance(found, list):
        return "its manifest has no architecture.features"
    if list(found) == list(expected):
        return ""
    missing, extra = [n for n in expected if n not in found], [n for n in found if n not in expected]
    parts = ((what, names) for what, names in (("lacks", missing), ("has", extra)) if names)
    return "; ".join(f"{what} {', '.join(map(str, names[:5]))}" for what, names in parts) or "in another order"
