"""The recipes from data to an artefact that serves; small, so that they only show that they hold together."""

import numpy as np
import pytest
import torch

from models import artefact
from models.data import DataError, Series, Source
from models.loading import load_forecaster
from models.registry import Registry
from models.synthetic import generate
from models.training.errors import TrainingError
from models.training.export import to_onnx, verify
from models.training.networks import SharedForecaster
from models.training.options import Options
from models.training.recipes import RECIPES
from models.training.sampling import Mixture, PathSampler, SyntheticSampler
from models.training.seed import Variant, train_seed
from models.training.shared import Size, train_shared
from models.training.split import split
from scoring.paths import Paths

SMALL = Size(batches=2, cases=64)
TINY = Variant("seed", outputs=30, layers=2, learning_rate=3e-4, epochs=2, step=30, hidden=4)


def source(slots=300, paths=4, name="lab"):
    return Source(Series(name, generate("ar", paths, slots, 1).astype(np.float32), 10.0))


def served(tmp_path, trained):
    artefact.write(tmp_path, trained.manifest, trained.network)
    return load_forecaster(Registry(tmp_path), trained.manifest.name, 1)


def test_the_shared_network_serves_and_says_what_it_learnt_from(tmp_path):
    trained = train_shared([source()], Options("lab", seed=5, epochs=2), SMALL)
    forecaster = served(tmp_path, trained)
    forecast = forecaster.forecast(Paths.bare(generate("ar", 3, 64, 2)), 30)
    assert forecast.known.all()
    assert (np.diff(forecast.quantiles_ms, axis=1) >= 0).all()
    manifest = trained.manifest
    assert (manifest.kind, manifest.interval_s, manifest.training["slots"]) == ("forecast", 10.0, {"lab": [0, 255]})
    assert manifest.training["seed"] == 5
    assert {"lab", "white_noise", "ar"} <= set(manifest.metrics)
    assert manifest.metrics["white_noise"]["mae_ratio_to_median"] < 1.1


def test_the_same_seed_gives_the_same_bytes_and_another_one_others():
    one, again, other = (train_shared([], Options("x", seed=s, epochs=1), SMALL).network for s in (1, 1, 2))
    assert one == again
    assert one != other


def test_the_seeds_recipe_serves_its_pair(tmp_path):
    trained = train_seed([source()], Options("a2b", pair="a2b"), TINY)
    forecaster = served(tmp_path, trained)
    assert np.isfinite(forecaster.forecast(Paths.bare(generate("ar", 3, 30, 2)), 30).rtt_ms).all()
    assert (trained.manifest.kind, trained.manifest.pair) == ("seed-lstm", "a2b")
    assert trained.manifest.training["slots"] == {"lab": [0, 240]}
    assert trained.manifest.training["epochs"] == 2


def test_the_seeds_scaler_knows_the_training_part_only(tmp_path):
    values = np.ones((1, 300), np.float32)
    values[:, :240:2] = 3.0
    values[:, 240:] = 1000.0
    trained = train_seed([Source(Series("x", values, 10.0))], Options("x", epochs=1), TINY)
    points = served(tmp_path, trained).forecast(Paths.bare(np.full((1, 30), 2.0)), 30).rtt_ms
    assert (np.abs(points - 2.0) < 3.0).all()


def test_without_validation_everything_is_learnt_from():
    trained = train_seed([source()], Options("x", epochs=1, validation_share=0.0), TINY)
    assert trained.manifest.training["slots"] == {"lab": [0, 300]}
    assert trained.manifest.training["validation"] is None


def test_too_little_data_says_how_much_is_needed():
    for recipe in RECIPES.values():
        with pytest.raises(DataError, match=r"lab: 70 slots of 10 s; about 60 are needed to train on, and"):
            recipe([source(slots=70)], Options("x"))
    with pytest.raises(DataError, match="recorded data only"):
        RECIPES["seed"]([], Options("x"))


def test_validation_is_later_than_all_that_training_sees():
    slots = np.arange(200, dtype=np.float32)[None] + 1
    (part,) = split([Source(Series("x", slots, 10.0))], 0.25)
    sampler = PathSampler(part.training.series)
    seen = sampler.draw(np.random.default_rng(0), 500)
    assert seen.max() == 150
    assert part.validation.futures.min() == 151


def test_strides_skip_slots_and_hold_readings_over_gaps():
    slots = np.arange(200, dtype=np.float32)[None]
    slots[:, 1::2] = np.nan
    drawn = PathSampler(Series("x", slots, 10.0), stride=3).draw(np.random.default_rng(0), 5)
    assert np.isfinite(drawn).all()
    assert (drawn[:, -1] - drawn[:, 0] > 170).all()


def test_batches_are_a_function_of_the_epoch():
    mixture = Mixture([(4, SyntheticSampler("ar")), (4, PathSampler(source().series))], 2, seed=1)
    one, again, other = (list(mixture(epoch)) for epoch in (3, 3, 4))
    assert torch.equal(one[1][0], again[1][0])
    assert not torch.equal(one[0][0], other[0][0])
    assert one[0][0].shape == one[0][1].shape == (8, 30)


def test_an_export_that_differs_from_torch_is_refused():
    network = SharedForecaster(hidden=4, head=4)
    inputs = {"window": torch.rand(5, 30)}
    exported = to_onnx(network, inputs, ["rtt_ms", "quantiles_ms"])
    with torch.no_grad():
        network.fading.add_(3.0)
        network.correction.bias.add_(1.0)
    with pytest.raises(TrainingError, match="'rtt_ms' of the export differs from torch"):
        verify(exported, network, inputs, ["rtt_ms", "quantiles_ms"])
