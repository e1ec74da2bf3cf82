"""Networks in ONNX Runtime."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from models.artefact import Artefact
from models.errors import ArtefactError
from models.runtime import OnnxModel
from models.runtime.probe import try_out
from tests.models.networks import manifest, network


def loaded(tmp_path, content=None, **changes):
    return OnnxModel.load(Artefact(manifest(**changes), content or network(), tmp_path / "tiny.onnx"))


def graph(nodes, constants=(), window=("n", 30), rtt=("n", 30), kind=TensorProto.FLOAT):
    ends = [helper.make_tensor_value_info(n, kind, s) for n, s in (("window", window), ("rtt_ms", rtt))]
    made = helper.make_graph(nodes, "g", [ends[0]], [ends[1]], list(constants))
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def test_windows_are_forecast_alike_in_any_number(tmp_path):
    model = loaded(tmp_path)
    windows = np.random.default_rng(0).uniform(1, 3, (601, 30)).astype(np.float32)
    together = model.run({"window": windows})["rtt_ms"]
    assert together.shape == (601, 30)
    alone = [model.run({"window": windows[i : i + 1]})["rtt_ms"][0] for i in (0, 249, 250, 600)]
    np.testing.assert_allclose(together[[0, 249, 250, 600]], alone, rtol=1e-5)


def test_no_windows_give_no_forecasts(tmp_path):
    assert loaded(tmp_path).run({"window": np.empty((0, 30), np.float32)})["rtt_ms"].shape == (0, 30)


def test_a_callers_mistake_is_told(tmp_path):
    with pytest.raises(ValueError, match="expected"):
        loaded(tmp_path).run({"window": np.zeros((1, 29), np.float32)})
    with pytest.raises(ValueError, match="expected"):
        loaded(tmp_path).run({"windows": np.zeros((1, 30), np.float32)})


@pytest.mark.parametrize(
    ("content", "changes", "says"),
    [
        (b"<html>not found</html>", {}, "cannot load"),
        (network()[:500], {}, "cannot load"),
        (network(), {"inputs": {"window": ["n", 64]}}, "do not belong together"),
        (network(), {"inputs": {"samples": ["n", 30]}}, "manifest says"),
        (network(), {"outputs": {"rtt_ms": ["n", 1]}}, "do not belong together"),
        (graph([helper.make_node("Abs", ["window"], ["rtt_ms"])], kind=TensorProto.DOUBLE), {}, "tensor\\(double\\)"),
        (graph([helper.make_node("Abs", ["window"], ["rtt_ms"])], window=(1, 30), rtt=(1, 30)), {}, "shape"),
    ],
)
def test_a_network_that_is_not_its_manifests_is_refused_by_file(tmp_path, content, changes, says):
    with pytest.raises(ArtefactError, match=says) as caught:
        loaded(tmp_path, content, **changes)
    assert str(tmp_path / "tiny.onnx") in str(caught.value)


def test_a_network_may_not_take_weights_from_other_files(tmp_path, monkeypatch):
    (tmp_path / "weights.bin").write_bytes(np.ones(30, np.float32).tobytes())
    monkeypatch.chdir(tmp_path)
    weights = numpy_helper.from_array(np.ones(30, np.float32), "w")
    set_external_data(weights, "weights.bin", 0, 120)
    weights.ClearField("raw_data")
    with pytest.raises(ArtefactError, match="cannot load"):
        loaded(tmp_path, graph([helper.make_node("Add", ["window", "w"], ["rtt_ms"])], [weights]))


def test_the_trial_refuses_answers_that_are_no_numbers(tmp_path):
    nothing = numpy_helper.from_array(np.zeros(1, np.float32), "zero")
    model = loaded(tmp_path, graph([helper.make_node("Div", ["window", "zero"], ["rtt_ms"])], [nothing]))
    with pytest.raises(ArtefactError, match="not finite"):
        try_out(model)


def test_the_trial_refuses_a_shape_that_only_shows_in_the_run(tmp_path):
    some = numpy_helper.from_array(np.array([True, False, True]), "some")
    node = helper.make_node("Compress", ["window", "some"], ["rtt_ms"], axis=1)
    model = loaded(tmp_path, graph([node], [some], rtt=("n", "m")))
    with pytest.raises(ArtefactError, match="not in its manifest"):
        try_out(model)


def test_the_trial_passes_a_sound_network(tmp_path):
    try_out(loaded(tmp_path))
    onnx.checker.check_model(onnx.load_from_string(network()))
