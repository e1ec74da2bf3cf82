"""The old plugin's network as ONNX: milliseconds in, milliseconds out, its scaler folded in.

PyTorch stacks an LSTM's gates as input, forget, cell, output and ONNX as input, output, forget, cell; torch adds two
biases of which ONNX takes the concatenation (https://onnx.ai/onnx/operators/onnx__LSTM.html).
"""

from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.legacy.contract import INPUT, OUTPUT, WINDOW_SLOTS
from models.legacy.joblibscaler import Scaler
from models.legacy.lstm import Layer, Lstm
from models.legacy.tensors import Floats32

__all__ = ["build"]

_OPSET: Final = 17
_IR_VERSION: Final = 8
"""Old enough for any ONNX Runtime that runs this opset."""


def build(network: Lstm, scaler: Scaler) -> bytes:
    """Return the ONNX file of a network and the scaler that belongs to it; the same input gives the same bytes."""
    graph = _Graph()
    top = graph.layers(network, graph.standardised(scaler))
    graph.forecast(network, scaler, top)
    model = helper.make_model(
        graph.finished(network.outputs),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="neilats",
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


class _Graph:
    """Collects the nodes and the constants."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def _constant(self, name: str, value: np.ndarray) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def standardised(self, scaler: Scaler) -> str:
        """(window - mean) / scale ``[n, 30]``; the vectors have 1 element or 30."""
        mean = self._constant("mean_ms", scaler.mean_ms.astype(np.float32))
        scale = self._constant("scale_ms", scaler.scale_ms.astype(np.float32))
        centred = self._node("Sub", [INPUT, mean], "centred")
        return self._node("Div", [centred, scale], "standardised")

    def layers(self, network: Lstm, standardised: str) -> str:
        """The hidden state of the last layer at the last step, ``[1, n, hidden]``."""
        axes = self._constant("inputs_axis" if network.inputs == 1 else "steps_axis", _axis(network))
        if network.inputs == 1:
            by_step = self._node("Transpose", [standardised], "steps_first", perm=[1, 0])
            sequence = self._node("Unsqueeze", [by_step, axes], "sequence")
        else:
            sequence = self._node("Unsqueeze", [standardised, axes], "sequence")
        for k, layer in enumerate(network.layers):
            states, last = self._layer(k, layer, network.hidden, sequence)
            if k + 1 < len(network.layers):
                sequence = self._node("Squeeze", [states, self._directions()], f"sequence_{k}")
        return last

    def _directions(self) -> str:
        """The axis of an LSTM's states on which forward and backward differ; there is only forward."""
        name = "directions_axis"
        if all(c.name != name for c in self._constants):
            self._constant(name, np.array([1], dtype=np.int64))
        return name

    def _layer(self, k: int, layer: Layer, hidden: int, sequence: str) -> tuple[str, str]:
        """All states ``[steps, 1, n, hidden]`` and the last one ``[1, n, hidden]``."""
        weights = [
            self._constant(f"W_{k}", _gates(layer.input_weight)[None]),
            self._constant(f"R_{k}", _gates(layer.hidden_weight)[None]),
            self._constant(f"B_{k}", np.concatenate([_gates(layer.input_bias), _gates(layer.hidden_bias)])[None]),
        ]
        outputs = [f"states_{k}", f"last_{k}"]
        self._nodes.append(
            helper.make_node("LSTM", [sequence, *weights], outputs, name=f"lstm_{k}", hidden_size=hidden)
        )
        return outputs[0], outputs[1]

    def forecast(self, network: Lstm, scaler: Scaler, last: str) -> None:
        """The linear head ``[n, outputs]``, in ms again."""
        axis = self._constant("layer_axis", np.array([0], dtype=np.int64))
        state = self._node("Squeeze", [last, axis], "state")
        weight = self._constant("head_weight", network.head_weight)
        bias = self._constant("head_bias", network.head_bias)
        head = self._node("Gemm", [state, weight, bias], "head", transB=1)
        scaled = self._node("Mul", [head, "scale_ms"], "scaled")
        self._node("Add", [scaled, "mean_ms"], OUTPUT)

    def finished(self, outputs: int) -> onnx.GraphProto:
        """The graph with its named ends."""
        window = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", WINDOW_SLOTS])
        rtt = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", outputs])
        return helper.make_graph(self._nodes, "seed-lstm", [window], [rtt], self._constants)


def _axis(network: Lstm) -> "np.ndarray":
    """Where a dimension of 1 is added: the inputs of a step, or the single step."""
    return np.array([2 if network.inputs == 1 else 0], dtype=np.int64)


def _gates(stacked: Floats32) -> Floats32:
    """Reorder torch's gates i, f, g, o to ONNX's i, o, f, c (torch's g is ONNX's c)."""
    i, f, g, o = np.split(stacked, 4)
    return np.concatenate([i, o, f, g])
