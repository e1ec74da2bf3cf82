"""Tiny shared networks, made by hand: their answers can be foretold."""

from datetime import UTC, datetime

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from models import artefact
from models.manifest import Manifest
from scoring.features import CHANNELS, NAMES, SEQUENCE_SLOTS

LEVELS = [0.1, 0.5, 0.9]


def forecast_network(times=1.0, window=30, horizon=30, quantiles=3):
    """Forecasts `times` the window's mean in every slot, and quantiles of .5, 1, 1.5 of that."""
    rtt = numpy_helper.from_array(np.full((1, horizon), times, np.float32), "rtt")
    spread = numpy_helper.from_array(np.linspace(0.5, 1.5, quantiles, dtype=np.float32)[None] * times, "spread")
    nodes = [
        helper.make_node("ReduceMean", ["window"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["mean", "rtt"], ["rtt_ms"]),
        helper.make_node("Mul", ["mean", "spread"], ["quantiles_ms"]),
    ]
    return _model(
        nodes,
        [rtt, spread],
        {"window": ("n", window)},
        {"rtt_ms": ("n", horizon), "quantiles_ms": ("n", quantiles)},
    )


def violation_network(answer=0.25, slope=0.0):
    """Answers the same for every path, plus so much times the sequence's mean sign above the SLA."""
    constants = [
        numpy_helper.from_array(np.array([answer], np.float32), "answer"),
        numpy_helper.from_array(np.array([slope], np.float32), "slope"),
        numpy_helper.from_array(np.array(1, np.int64), "one"),
    ]
    nodes = [
        helper.make_node("Gather", ["sequence", "one"], ["above"], axis=2),
        helper.make_node("ReduceMean", ["above"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Mul", ["mean", "slope"], ["part"]),
        helper.make_node("Add", ["part", "answer"], ["violation"]),
    ]
    inputs = {"sequence": ("n", SEQUENCE_SLOTS, len(CHANNELS)), "features": ("n", len(NAMES))}
    return _model(nodes, constants, inputs, {"violation": ("n",)})


def _model(nodes, constants, inputs, outputs):
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in group.items()]
        for group in (inputs, outputs)
    ]
    graph = helper.make_graph(nodes, "g", *ends, constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return made.SerializeToString()


def forecast_manifest(name="shared", **changes):
    fields = {
        "kind": "forecast",
        "architecture": {"levels": LEVELS},
        "inputs": {"window": ["n", 30]},
        "outputs": {"rtt_ms": ["n", 30], "quantiles_ms": ["n", len(LEVELS)]},
    }
    return _manifest(name, fields | changes)


def violation_manifest(name="judge", **changes):
    fields = {
        "kind": "violation",
        "architecture": {"features": list(NAMES)},
        "inputs": {"sequence": ["n", SEQUENCE_SLOTS, len(CHANNELS)], "features": ["n", len(NAMES)]},
        "outputs": {"violation": ["n"]},
    }
    return _manifest(name, fields | changes)


def _manifest(name, fields):
    about = {"window": 30, "horizon": 30, "interval_s": 10.0, "training": {}, "data": {}, "metrics": {}}
    return Manifest(name=name, created=datetime(2026, 1, 2, tzinfo=UTC), **(about | fields))


def put_forecast(directory, name="shared", times=1.0):
    artefact.write(directory, forecast_manifest(name), forecast_network(times))


def put_violation(directory, name="judge", answer=0.25, slope=0.0):
    artefact.write(directory, violation_manifest(name), violation_network(answer, slope=slope))
