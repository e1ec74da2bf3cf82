"""What a manifest says of how good its network is: measured on the exported network, on data that it did not see."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from models.artefact import NETWORK_SUFFIX, Artefact
from models.evaluation import Scores, evaluate
from models.manifest import Manifest
from models.runtime.forecast import ForecastNetwork
from models.runtime.session import OnnxModel
from models.synthetic import KINDS, generate
from models.windows import WINDOW_SLOTS, Cases
from scoring.forecast import HORIZON_SLOTS

__all__ = ["UNSEEN_SEED", "made_up_cases", "with_metrics"]

UNSEEN_SEED = 2**41
"""Training draws seeds below 2^40."""

MADE_UP = 1_000
"""Cases of each kind."""


def made_up_cases() -> dict[str, Cases]:
    """Return cases of every kind of made-up series that no training sees."""
    cut = WINDOW_SLOTS
    made = {kind: generate(kind, MADE_UP, cut + HORIZON_SLOTS, UNSEEN_SEED) for kind in KINDS}
    return {kind: Cases(series[:, :cut], series[:, cut:]) for kind, series in made.items()}


def with_metrics(manifest: Manifest, exported: bytes, held_out: Mapping[str, Cases]) -> Manifest:
    """Return the manifest of a shared network with its scores on these cases."""
    model = OnnxModel.load(Artefact(manifest, exported, Path(manifest.name + NETWORK_SUFFIX)))
    network = ForecastNetwork(model)
    scores = {name: evaluate(network, cases)[network.name] for name, cases in held_out.items()}
    return msgspec.structs.replace(manifest, metrics={name: _brief(score) for name, score in scores.items()})


def _brief(scores: Scores) -> dict[str, Any]:
    numbers = {
        "mae_ms": scores.mae_ms,
        "mae_ratio_to_median": scores.mae_ratio,
        "brier": sum(scores.brier.values()) / len(scores.brier),
        "calibration_error": scores.calibration.expected_error,
    }
    return {"cases": scores.cases} | {name: round(value, 5) for name, value in numbers.items()}
