"""The seed's recipes (reference/seed.md), for comparison and for who wants exactly what they had.

30 -> 30: non-overlapping windows, the last 20 % by time as test, a standard scaler (fitted on the training part, not on
the test part as the seed did by a slip), Adam 3e-4, squared error, batches of 32 shuffled, 100 epochs, early stopping
with a patience of 10 (which the seed never called) on the test part. 30 -> 1: 3 layers, Adam 1e-4, 50 epochs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from models.data import DataError, Source, digest
from models.legacy.contract import INPUT, KIND, OUTPUT
from models.legacy.joblibscaler import Scaler
from models.legacy.lstm import recognise
from models.legacy.lstmonnx import build
from models.manifest import Manifest
from models.runtime.filling import filled
from models.training.export import verify
from models.training.loop import Batch, Settings, train
from models.training.losses import squared_error
from models.training.networks.seed import SeedLstm
from models.training.options import Options, Trained, now
from models.training.split import Split, ranges, split
from models.windows import WINDOW_SLOTS, Cases, cases

__all__ = ["SINGLE_STEP", "WHOLE_HORIZON", "Variant", "train_seed", "train_seed_single_step"]

TEST_SHARE: Final = 0.2
BATCH: Final = 32
PATIENCE: Final = 10


@dataclass(frozen=True)
class Variant:
    """What the seed's two recipes differ in."""

    recipe: str
    outputs: int
    layers: int
    learning_rate: float
    epochs: int
    step: int
    """Slots from one window to the next."""
    hidden: int = 128


WHOLE_HORIZON: Final = Variant("seed", outputs=30, layers=2, learning_rate=3e-4, epochs=100, step=30)
SINGLE_STEP: Final = Variant("seed-single-step", outputs=1, layers=3, learning_rate=1e-4, epochs=50, step=1)


def train_seed(sources: Sequence[Source], options: Options, variant: Variant = WHOLE_HORIZON) -> Trained:
    """Train the seed's network; raises DataError for sources that cannot be used, TrainingError where training fails.

    The seed has a network for each pair; with several paths there is one network for all of them.
    """
    options = options.with_defaults(variant.epochs, TEST_SHARE)
    if not sources:
        raise DataError("the seed's recipe learns from recorded data only; name a file")
    parts = split(sources, options.validation_share or 0.0, variant.step, variant.outputs)
    training = _joined([cases(p.training.series, None, variant.step, horizon=variant.outputs) for p in parts])
    torch.manual_seed(options.seed)
    mean_ms, scale_ms = _scaler(training)
    network = SeedLstm(variant.outputs, variant.hidden, variant.layers, mean_ms=mean_ms, scale_ms=scale_ms)
    settings = Settings(
        options.epochs or variant.epochs, variant.learning_rate, options.seed, patience=PATIENCE,
        identity=f"{variant} {digest([s.series for s in sources])[:16]} {options.validation_share:g}",
    )  # fmt: skip
    test = [p.validation for p in parts if p.validation is not None]
    checks = list(_batches(_joined(test))) if test else []
    history = train(
        network, Shuffled(training, options.seed), squared_error,
        (lambda n: _mean([float(squared_error(n, batch)) for batch in checks])) if checks else None,
        settings, options.progress, options.checkpoint, options.resume,
    )  # fmt: skip
    exported = _exported(network, training)
    return Trained(_manifest(sources, parts, options, variant, network, history.summary()), exported)


def train_seed_single_step(sources: Sequence[Source], options: Options) -> Trained:
    """Train the seed's variant that forecasts one slot; raises as `train_seed` does."""
    return train_seed(sources, options, SINGLE_STEP)


@dataclass(frozen=True)
class Shuffled:
    """All cases in each epoch, in another order."""

    cases: Cases
    seed: int

    def __call__(self, epoch: int) -> Iterator[Batch]:
        """Yield batches of 32."""
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.cases))
        return _batches(Cases(self.cases.windows[order], self.cases.futures[order]))


def _batches(found: Cases) -> Iterator[Batch]:
    window = torch.from_numpy(filled(found.windows, WINDOW_SLOTS))
    future = torch.from_numpy(found.futures.astype(np.float32))
    for at in range(0, len(found), BATCH):
        yield window[at : at + BATCH], future[at : at + BATCH]


def _joined(parts: Sequence[Cases]) -> Cases:
    return Cases(np.concatenate([p.windows for p in parts]), np.concatenate([p.futures for p in parts]))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _scaler(training: Cases) -> tuple[float, float]:
    """Mean and standard deviation in ms of what returned; a constant series has the deviation 1, as in scikit-learn."""
    values = training.windows[np.isfinite(training.windows)]
    deviation = float(values.std())
    return float(values.mean()), deviation if deviation > 1e-9 else 1.0


def _exported(network: SeedLstm, training: Cases) -> bytes:
    """The network as the import of old files builds it, compared with torch."""
    weights = {
        name: value.numpy()
        for name, value in network.state_dict().items()
        if not name.endswith(("mean_ms", "scale_ms"))
    }
    scaler = Scaler(_vector(network.mean_ms), _vector(network.scale_ms), None, None)
    exported = build(recognise("the trained network", weights), scaler)
    examples = torch.from_numpy(filled(training.thinned(64).windows, WINDOW_SLOTS))
    verify(exported, network, {INPUT: examples}, [OUTPUT])
    return exported


def _vector(value: Tensor) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.array([float(value)])


def _manifest(
    sources: Sequence[Source],
    parts: Sequence[Split],
    options: Options,
    variant: Variant,
    network: SeedLstm,
    history: dict[str, object],
) -> Manifest:
    return Manifest(
        name=options.name,
        kind=KIND,
        architecture=network.architecture,
        window=WINDOW_SLOTS,
        horizon=variant.outputs,
        interval_s=sources[0].series.interval_s,
        inputs={INPUT: ["n", WINDOW_SLOTS]},
        outputs={OUTPUT: ["n", variant.outputs]},
        training={"recipe": variant.recipe, "seed": options.seed, **ranges(parts), **history},
        data={"sha256": digest([s.series for s in sources]), **options.about_data},
        metrics={"validation_mse_standardised": history["validation"]},
        created=now(),
        pair=options.pair,
    )
