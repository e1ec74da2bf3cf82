"""The package's networks on 5,000 windows, two threads, a piece at a time, against a plain LSTM in the same runtime.

The yardstick is one layer of 32 over 30 samples and a linear head of 30, the seed's architecture made small: what a
network of that size costs here without any of ours.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from bench.timing import Row, interleaved
from extender.worker import CHUNK_ROWS
from models.artefact import Artefact
from models.manifest import Manifest
from models.registry import Registry, packaged_directory
from models.runtime.filling import filled
from models.runtime.forecast import WINDOW
from models.runtime.session import OnnxModel
from models.runtime.violation import FEATURES, SEQUENCE, ViolationNetwork
from scoring import memory, noise
from scoring.context import CURVES, Context
from scoring.features import inputs
from scoring.paths import Paths

__all__ = ["SLA_MS", "full_paths", "in_parts", "packaged", "rows"]

WINDOWS = 5000
CANDIDATES = 50
"""Nodes whose noise surrounds the paths."""
THREADS = 2
TARGET_US = 8.0
"""For one window in a network."""
SLA_MS = 10.0
TURNS = 9
PLAIN_HIDDEN, PLAIN_SLOTS = 32, 30


def rows() -> Iterator[Row]:
    """The network of forecasts, that of violations, and the latter with its inputs."""
    paths = full_paths()
    plain, window = _plain(), filled(paths.windows, PLAIN_SLOTS)
    shared, violation = packaged(THREADS)
    given = inputs(paths, SLA_MS)
    fed = {SEQUENCE: given.sequence, FEATURES: given.features}
    wide = {WINDOW: filled(paths.windows, shared.manifest.window)}
    network = ViolationNetwork(violation)
    works = {
        "forecasts": lambda: shared.run(wide),
        "violations": lambda: violation.run(fed),
    }
    for name, work in works.items():
        yield _row(f"network of {name}", TARGET_US, *interleaved(work, lambda: plain.run({"window": window}), TURNS))
    whole = interleaved(
        lambda: [network.violation(part, SLA_MS) for part in in_parts(paths)],
        lambda: plain.run({"window": window}),
        TURNS,
    )
    yield _row("violations, inputs included", None, *whole)


def packaged(threads: int) -> tuple[OnnxModel, OnnxModel]:
    """The package's networks of points and of violations; with so many threads each."""
    found = Registry(packaged_directory())
    serving = found.serving()
    if serving.shared is None or serving.violation is None:
        raise SystemExit("the package has no models yet: make packaged-models")
    return found.load(serving.shared, threads), found.load(serving.violation, threads)


def _row(figure: str, target_us: float | None, ours: float, theirs: float) -> Row:
    """Milliseconds for all windows, with the share of one in the target's words."""
    us = ours * 1000 / WINDOWS
    target = f"{us:.2f} µs a window" + (f", <= {target_us:g}" if target_us else ", no target")
    return Row(
        f"{figure}, {WINDOWS:,} windows", ours, "plain LSTM 32x1", theirs, target, target_us is None or us <= target_us
    )


def full_paths() -> Paths:
    """Full rings of gamma-distributed round trips with losses and gaps, both ways, and all that can be known."""
    rng = np.random.default_rng(0)

    def windows() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        values = rng.gamma(2.0, 4.0, (WINDOWS, 64))
        values[rng.random(values.shape) < 0.01] = np.inf
        values[rng.random(values.shape) < 0.02] = np.nan
        return values

    curves = np.sort(rng.random((CANDIDATES + 1, CURVES, noise.BINS)), axis=2)[:, :, ::-1]
    context = Context(windows(), curves, rng.integers(0, CANDIDATES, WINDOWS), CANDIDATES)
    remembered = rng.random((WINDOWS, *memory.empty(1).shape[1:]))
    return Paths(windows(), remembered, noise.unknown(WINDOWS), np.ones(WINDOWS, dtype=bool), None, context)


def in_parts(paths: Paths) -> Iterator[Paths]:
    """As many at a time as the extender asks for."""
    for begin in range(0, WINDOWS, CHUNK_ROWS):
        yield paths.take(np.arange(begin, min(begin + CHUNK_ROWS, WINDOWS)))


def _plain() -> OnnxModel:
    rng = np.random.default_rng(0)

    def weights(name: str, *shape: int) -> TensorProto:
        return numpy_helper.from_array(rng.normal(0, 0.2, shape).astype(np.float32), name)

    h = PLAIN_HIDDEN
    constants = [
        weights("w", 1, 4 * h, 1), weights("r", 1, 4 * h, h), weights("b", 1, 8 * h), weights("head", h, PLAIN_SLOTS),
        numpy_helper.from_array(np.array([2], np.int64), "last"),
        numpy_helper.from_array(np.array([0], np.int64), "first"),
    ]  # fmt: skip
    nodes = [
        helper.make_node("Transpose", ["window"], ["slots"], perm=[1, 0]),
        helper.make_node("Unsqueeze", ["slots", "last"], ["steps"]),
        helper.make_node("LSTM", ["steps", "w", "r", "b"], ["", "state"], hidden_size=h),
        helper.make_node("Squeeze", ["state", "first"], ["newest"]),
        helper.make_node("MatMul", ["newest", "head"], ["rtt_ms"]),
    ]
    shape = ("n", PLAIN_SLOTS)
    given, made = ([helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)] for name in ("window", "rtt_ms"))
    graph = helper.make_graph(nodes, "plain", given, made, constants)
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    return OnnxModel.load(Artefact(_manifest(network), network, Path("the plain LSTM")), THREADS)


def _manifest(network: bytes) -> Manifest:
    return Manifest(
        name="plain", kind="yardstick", architecture={}, window=PLAIN_SLOTS, horizon=PLAIN_SLOTS, interval_s=None,
        inputs={"window": ["n", PLAIN_SLOTS]}, outputs={"rtt_ms": ["n", PLAIN_SLOTS]}, training={}, data={},
        metrics={}, created=datetime.now(UTC), sha256=sha256(network).hexdigest(),
    )  # fmt: skip
