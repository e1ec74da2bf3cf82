"""The recipe of the shared network: a third recorded paths, the rest made-up series, so that it suits any network.

Recorded readings that only repeat an older one are an artefact of their source. Part of the cases leaves them out of
the future, part sees only every second or third slot, so that the network does not count on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from models.data import Source, digest
from models.manifest import Manifest
from models.runtime.filling import filled
from models.runtime.forecast import FORECAST_KIND, POINTS, QUANTILES, WINDOW
from models.synthetic import KINDS, generate
from models.training.export import to_onnx
from models.training.history import History
from models.training.loop import Batch, Settings, train
from models.training.losses import median_and_quantiles
from models.training.metrics import made_up_cases, with_metrics
from models.training.networks.shared import LEVELS, SharedForecaster
from models.training.options import Options, Trained, now
from models.training.sampling import CASE_SLOTS, Mixture, PathSampler, Sampler, SyntheticSampler
from models.training.split import Split, ranges, split
from models.windows import WINDOW_SLOTS, Cases
from scoring.forecast import HORIZON_SLOTS

__all__ = ["Size", "train_shared"]


@dataclass(frozen=True)
class Size:
    """How much is learnt from; the small numbers of tests show that things hold together."""

    epochs: int = 80
    batches: int = 100
    """In an epoch."""
    cases: int = 640
    """In a batch."""


LEARNING_RATE: Final = 3e-3
VALIDATION_SHARE: Final = 0.15
VALIDATED: Final = 3_000
"""Most cases of a source that validate after each epoch."""
KIND_WEIGHTS: Final = {"ar": 1, "level_shift": 1, "periodic": 1, "heavy_tailed": 2, "white_noise": 6}
"""Of the made-up part; where there is little to learn, it takes more examples to learn to leave it."""
STRIDES: Final = (2, 3)
EXAMPLES: Final = 64
"""Windows on which the export is compared with torch."""


def train_shared(sources: Sequence[Source], options: Options, size: Size = Size()) -> Trained:
    """Train on recorded sources, or on none, beside made-up series; deterministic but for the last bits of a CPU.

    Raises DataError for sources that cannot be used, TrainingError where training fails.
    """
    options = options.with_defaults(size.epochs, VALIDATION_SHARE)
    epochs, share = options.epochs or size.epochs, options.validation_share or 0.0
    parts = split(sources, share)
    torch.manual_seed(options.seed)
    network = SharedForecaster()
    settings = Settings(
        epochs, LEARNING_RATE, options.seed, weight_decay=1e-3, schedule="cosine", largest_gradient=1.0,
        identity=f"shared {digest([s.series for s in sources])[:16]} {share:g}",
    )  # fmt: skip
    checks = _validation(parts) if share else []
    history = train(
        network,
        mixture(parts, size, options.seed),
        median_and_quantiles,
        (lambda n: _checked(n, checks)) if checks else None,
        settings,
        options.progress,
        options.checkpoint,
        options.resume,
    )
    exported = to_onnx(network, {WINDOW: _examples(options.seed)}, [POINTS, QUANTILES])
    manifest = _manifest(sources, parts, options, network, history)
    held_out = {part.training.name: part.validation for part in parts if part.validation is not None}
    return Trained(with_metrics(manifest, exported, held_out | made_up_cases()), exported)


def mixture(parts: Sequence[Split], size: Size, seed: int) -> Mixture:
    """A third of each batch from the sources, alike, the rest from the kinds of made-up series."""
    recorded = [sampler for part in parts for sampler in _recorded(part.training, size.cases // 3 // len(parts))]
    left = size.cases - sum(n for n, _ in recorded)
    total = sum(KIND_WEIGHTS.values())
    made_up = [(left * weight // total, SyntheticSampler(kind)) for kind, weight in KIND_WEIGHTS.items()]
    return Mixture([*recorded, *made_up], size.batches, seed)


def _recorded(source: Source, n: int) -> list[tuple[int, Sampler]]:
    """All of a source's slots, its fresh readings, and its slots with strides, where it is long enough."""
    strides = [stride for stride in STRIDES if source.series.slots >= CASE_SLOTS * stride]
    shares: list[tuple[int, Sampler]] = [(n // 8, PathSampler(source.series, stride)) for stride in strides]
    if source.fresh is not None:
        shares.append((n // 4, PathSampler(source.fresh)))
    return [(n - sum(count for count, _ in shares), PathSampler(source.series)), *shares]


def _validation(parts: Sequence[Split]) -> list[Batch]:
    """Later cases of each source, and made-up series of a seed that training does not draw."""
    found = [part.validation.thinned(VALIDATED) for part in parts if part.validation is not None]
    return [_as_batch(cases) for cases in (*made_up_cases().values(), *found)]


def _as_batch(cases: Cases) -> Batch:
    window = torch.from_numpy(filled(cases.windows, WINDOW_SLOTS))
    return window, torch.from_numpy(cases.futures.astype(np.float32))


def _checked(network: SharedForecaster, checks: Sequence[Batch]) -> float:
    """The mean of the losses of all sources and kinds."""
    return float(np.mean([float(median_and_quantiles(network, check)) for check in checks]))


def _examples(seed: int) -> Tensor:
    """``[64, 30]``: some of each kind, and a constant window."""
    made_up = np.concatenate([generate(kind, EXAMPLES // len(KINDS), WINDOW_SLOTS, seed) for kind in KINDS])
    return torch.from_numpy(np.concatenate([made_up, np.ones((1, WINDOW_SLOTS))]).astype(np.float32))


def _manifest(
    sources: Sequence[Source], parts: Sequence[Split], options: Options, network: SharedForecaster, history: History
) -> Manifest:
    intervals = {source.series.interval_s for source in sources}
    return Manifest(
        name=options.name,
        kind=FORECAST_KIND,
        architecture=network.architecture,
        window=WINDOW_SLOTS,
        horizon=HORIZON_SLOTS,
        interval_s=intervals.pop() if len(intervals) == 1 else None,
        inputs={WINDOW: ["n", WINDOW_SLOTS]},
        outputs={POINTS: ["n", HORIZON_SLOTS], QUANTILES: ["n", len(LEVELS)]},
        training={"recipe": "shared", "seed": options.seed, **ranges(parts), **history.summary()},
        data={"sha256": digest([s.series for s in sources]), "made_up": list(KINDS), **options.about_data},
        metrics={},
        created=now(),
        pair=options.pair,
    )
