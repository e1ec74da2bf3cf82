"""The trial that a network passes before it may serve: it is run once on made-up windows."""

from typing import Final

import numpy as np

from models.errors import ArtefactError
from models.runtime.session import Float32s, OnnxModel, sizes

__all__ = ["try_out"]

PROBE_WINDOWS: Final = 3
"""More than one, so that a network whose batch is fixed shows it."""


def try_out(model: OnnxModel) -> None:
    """Run the network on made-up windows; raises ArtefactError if it fails or its answers are no numbers."""
    outputs = model.run(_windows(model))
    for name, values in outputs.items():
        if not np.isfinite(values).all():
            raise ArtefactError(
                f"{model.source}: {name!r} is not finite on ordinary windows of about 1 ms; train or import it again"
            )


def _windows(model: OnnxModel) -> dict[str, Float32s]:
    """RTTs of .5 to 1.5 ms; the same in every run, so that a refusal can be reproduced."""
    rng = np.random.default_rng(0)
    shapes = {name: (PROBE_WINDOWS, *sizes(shape)) for name, shape in model.manifest.inputs.items()}
    return {name: rng.uniform(0.5, 1.5, shape).astype(np.float32) for name, shape in shapes.items()}
