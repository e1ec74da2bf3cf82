"""Small networks and manifests without torch, for tests of what stores and runs them."""

from datetime import UTC, datetime

import numpy as np

from models.legacy.contract import INPUT, KIND, OUTPUT
from models.legacy.joblibscaler import Scaler
from models.legacy.lstm import Layer, Lstm
from models.legacy.lstmonnx import build
from models.manifest import Manifest


def random_lstm(seed=0, hidden=4, layers=2, outputs=30, inputs=1):
    rng = np.random.default_rng(seed)

    def weights(*shape):
        return rng.normal(0, 0.4, shape).astype(np.float32)

    stack = tuple(
        Layer(weights(4 * hidden, inputs if k == 0 else hidden), weights(4 * hidden, hidden), *weights(2, 4 * hidden))
        for k in range(layers)
    )
    return Lstm(stack, weights(outputs, hidden), weights(outputs))


def network(seed=0, **shape):
    """The bytes of an ONNX file: ms in, ms out."""
    return build(random_lstm(seed, **shape), Scaler(np.array([2.0]), np.array([0.5]), 100, None))


def manifest(name="tiny", **changes):
    fields = {
        "name": name,
        "kind": KIND,
        "architecture": {"type": "lstm"},
        "window": 30,
        "horizon": 30,
        "interval_s": None,
        "inputs": {INPUT: ["n", 30]},
        "outputs": {OUTPUT: ["n", 30]},
        "training": {},
        "data": {},
        "metrics": {},
        "created": datetime(2026, 1, 2, tzinfo=UTC),
    }
    return Manifest(**(fields | changes))
