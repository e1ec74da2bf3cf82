"""The recipe of the violation network, from questions to an artefact."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from models.data.questions import Questions
from models.manifest import Manifest
from models.runtime.violation import FEATURES, SEQUENCE, VIOLATION, VIOLATION_KIND
from models.training.errors import TrainingError
from models.training.networks.violation import ARCHITECTURE
from models.training.options import Options, Trained, now
from models.training.violation import GROUPS, SETTINGS, brier, chosen_rate, export, train_violation
from scoring.features import CHANNELS, NAMES, SEQUENCE_SLOTS
from scoring.forecast import HORIZON_SLOTS

__all__ = ["violation_model"]


def violation_model(
    data: Questions, validation: Questions | None, interval_s: float | None, options: Options
) -> Trained:
    """Train on questions, the later ones for validation; raises TrainingError for too few."""
    if len(data) < GROUPS:
        raise TrainingError(f"{len(data)} questions are too few to learn from; {GROUPS} and more: give a longer trace")
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    settings = replace(
        SETTINGS, epochs=options.epochs or SETTINGS.epochs, seed=options.seed, identity=f"violation {data.sha256[:16]}"
    )
    network, history = train_violation(data, validation, settings, options.progress, options.checkpoint, options.resume)
    metrics: dict[str, Any] = {} if validation is None else _metrics(network, validation)
    manifest = Manifest(
        name=options.name,
        kind=VIOLATION_KIND,
        architecture={**ARCHITECTURE, "channels": list(CHANNELS), "features": list(NAMES)},
        window=SEQUENCE_SLOTS,
        horizon=HORIZON_SLOTS,
        interval_s=interval_s,
        inputs={SEQUENCE: ["n", SEQUENCE_SLOTS, len(CHANNELS)], FEATURES: ["n", len(NAMES)]},
        outputs={VIOLATION: ["n"]},
        training={
            "recipe": "violation", "seed": options.seed, "questions": len(data),
            "slices": [int(data.slice_index.min()), int(data.slice_index.max()) + HORIZON_SLOTS], **history.summary(),
        },
        data={"sha256": data.sha256, **options.about_data},
        metrics=metrics,
        created=now(),
    )  # fmt: skip
    return Trained(manifest, export(network))


def _metrics(network: Any, validation: Questions) -> dict[str, Any]:
    return {
        "validation": {
            "questions": len(validation),
            "placed_violation_rate": round(chosen_rate(network, validation), 4),
            "random_violation_rate": round(float(np.mean(validation.outcome)), 4),
            "least_violation_rate": round(float(np.mean(validation.outcome.min(axis=1))), 4),
            "brier": round(brier(network, validation), 5),
        }
    }
