"""Import of the old plugin's files, against torch and scikit-learn."""

import pickletools
import zipfile

import numpy as np
import pytest

from models import artefact
from models.errors import ArtefactError, LegacyError
from models.legacy.importing import convert, convert_to_file, import_pair, pair_of
from models.registry import Registry
from tests.models.legacy.seed import SeedModel, fitted, rtts, write_pair

RELATIVE = 1e-4
"""What the issue demands; seen is 3e-7."""


def imported(tmp_path, model, scaler, **how):
    pth, pkl = write_pair(tmp_path, model, scaler, **how)
    registry = Registry(tmp_path / "models")
    return registry.load(import_pair(pth, pkl, registry).name)


def compare(tmp_path, model, scaler, windows, **how):
    ours = imported(tmp_path, model, scaler, **how).run({"window": windows.astype(np.float32)})["rtt_ms"]
    theirs = model.forecast(windows, scaler)
    assert theirs.std(axis=0).min() > 1e-4 * scaler.scale_[0]  # the forecasts do depend on the window
    np.testing.assert_allclose(ours, theirs, rtol=RELATIVE)


@pytest.mark.parametrize("shape", [(128, 2, 30), (128, 3, 1), (16, 1, 30), (7, 3, 30)])
def test_forecasts_are_torchs_for_every_size(tmp_path, shape):
    hidden, layers, outputs = shape
    compare(tmp_path, SeedModel(hidden, layers, outputs), fitted(), rtts(seed=1))


@pytest.mark.parametrize(("level_ms", "spread_ms"), [(0.38, 0.04), (100, 30), (150, 0.2)])
def test_forecasts_are_torchs_at_every_level(tmp_path, level_ms, spread_ms):
    windows = rtts(level_ms=level_ms, spread_ms=spread_ms)
    compare(tmp_path, SeedModel(32), fitted(windows), windows)


@pytest.mark.parametrize("features", [1, 30])
def test_forecasts_are_torchs_where_the_window_is_one_step(tmp_path, features):
    compare(tmp_path, SeedModel(16, inputs=30), fitted(features=features), rtts(seed=2))


def test_a_feature_for_every_slot_is_undone_slot_by_slot(tmp_path):
    windows = rtts() * np.linspace(1, 3, 30)
    compare(tmp_path, SeedModel(16), fitted(windows, features=30), windows)


def test_tensors_from_a_cpu_are_read_too(tmp_path):
    compare(tmp_path, SeedModel(), fitted(), rtts(), cuda=False)


def test_the_files_under_test_are_tagged_with_the_gpu(tmp_path):
    pth, _ = write_pair(tmp_path)
    with zipfile.ZipFile(pth) as archive:
        content = archive.read("lstm_a2b/data.pkl")
    texts = {argument for _, argument, _ in pickletools.genops(content) if isinstance(argument, str)}
    assert "cuda:0" in texts
    assert "cpu" not in texts


def test_an_imported_model_serves_its_pair_and_says_where_it_is_from(tmp_path):
    pth, pkl = write_pair(tmp_path, SeedModel(16, 3, 1), pair="node12node2")
    registry = Registry(tmp_path / "models")
    manifest = import_pair(pth, pkl, registry)
    assert registry.serving().pairs == {"node12node2": manifest.name}
    assert (manifest.kind, manifest.window, manifest.horizon) == ("seed-lstm", 30, 1)
    assert manifest.architecture == {"type": "lstm", "hidden": 16, "layers": 3, "inputs_per_step": 1}
    assert manifest.data["sources"].keys() == {pth.name, pkl.name}
    assert manifest.training["samples"] == 9000


def test_importing_again_changes_nothing_and_other_files_can_be_rolled_back(tmp_path):
    registry = Registry(tmp_path / "models")
    first = import_pair(*write_pair(tmp_path), registry)
    assert import_pair(*write_pair(tmp_path), registry).name == first.name
    second = import_pair(*write_pair(tmp_path, SeedModel(seed=9)), registry)
    assert registry.serving().pairs == {"a2b": second.name} != {"a2b": first.name}
    assert registry.rollback().pairs == {"a2b": first.name}


def test_a_pair_comes_from_both_names_or_is_given(tmp_path):
    assert pair_of(tmp_path / "lstm_a2b.pth", tmp_path / "scaler_a2b.pkl") == "a2b"
    assert pair_of(tmp_path / "x.pth", tmp_path / "y.pkl", "a2b") == "a2b"
    for pth, pkl in (
        ("lstm_a2b.pth", "scaler_a2c.pkl"),
        ("lstm.pth", "scaler_a2b.pkl"),
        ("lstm_ab.pth", "scaler_ab.pkl"),
    ):
        with pytest.raises((LegacyError, ArtefactError), match=r"pair"):
            pair_of(tmp_path / pth, tmp_path / pkl)


def test_a_model_whose_forecasts_are_no_numbers_is_not_promoted(tmp_path):
    model = SeedModel()
    model.fc.weight.data.fill_(3e38)
    registry = Registry(tmp_path / "models")
    with pytest.raises(ArtefactError, match="not finite"):
        import_pair(*write_pair(tmp_path, model), registry)
    assert registry.serving().pairs == {}


def test_a_conversion_is_an_artefact_that_may_serve_every_pair(tmp_path):
    pth, pkl = write_pair(tmp_path)
    manifest = convert_to_file(pth, pkl, tmp_path / "out" / "office.onnx")
    assert manifest.pair is None
    assert artefact.read(tmp_path / "out", "office").network == convert(pth, pkl).onnx
    assert Registry(tmp_path / "out").promote("office").shared == "office"
    with pytest.raises(ArtefactError, match=r"ends with \.onnx"):
        convert_to_file(pth, pkl, tmp_path / "office.pt")


def test_a_scaler_of_other_data_is_refused(tmp_path):
    for scaler, model, says in (
        (fitted(rtts()[:, :30].repeat(2, axis=1).reshape(-1, 60)[:, :12], features=30), SeedModel(), "12 features"),
        (fitted(features=30), SeedModel(outputs=1), "forecasts 1 slot"),
    ):
        with pytest.raises(LegacyError, match=says) as caught:
            convert(*write_pair(tmp_path, model, scaler))
        assert "scaler_a2b.pkl" in str(caught.value)
