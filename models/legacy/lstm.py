"""The old plugin's network, recognised by the names and shapes of its weights: `lstm` layers, then `fc`.

Hidden size, layers and outputs are read from the shapes (torch.nn.LSTM's documentation has them; 4 gates one below the
other). One input per step means that the window is the sequence; as many as the window has slots, that it is one step.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from models.errors import LegacyError
from models.legacy.contract import WINDOW_SLOTS
from models.legacy.joblibscaler import Scaler
from models.legacy.tensors import Floats32

__all__ = ["Layer", "Lstm", "check_scaler", "recognise"]

MAX_LAYERS: Final = 8

_HELP: Final = (
    "expected lstm.weight_ih_l0, ..., fc.weight and fc.bias of nn.LSTM(1, H, L, batch_first=True) and nn.Linear"
)
_LAYER: Final = re.compile(r"lstm\.(?:weight|bias)_(?:ih|hh)_l(\d{1,2})", re.ASCII)


@dataclass(frozen=True)
class Layer:
    """One layer's weights; the gates lie in torch's order: input, forget, cell, output."""

    input_weight: Floats32
    """``[4 hidden, inputs]``"""
    hidden_weight: Floats32
    """``[4 hidden, hidden]``"""
    input_bias: Floats32
    """``[4 hidden]``"""
    hidden_bias: Floats32
    """``[4 hidden]``"""


@dataclass(frozen=True)
class Lstm:
    """The whole network."""

    layers: tuple[Layer, ...]
    head_weight: Floats32
    """``[outputs, hidden]``"""
    head_bias: Floats32
    """``[outputs]``"""

    @property
    def hidden(self) -> int:
        """Hidden units of a layer."""
        return int(self.head_weight.shape[1])

    @property
    def inputs(self) -> int:
        """Inputs of a step: 1, or the whole window."""
        return int(self.layers[0].input_weight.shape[1])

    @property
    def outputs(self) -> int:
        """Slots that it forecasts."""
        return int(self.head_weight.shape[0])


def recognise(source: str, state: Mapping[str, Floats32]) -> Lstm:
    """Return the network of a state dict; raises LegacyError, which begins with `source`, for any other network."""
    numbers = {int(m[1]) for name in state if (m := _LAYER.fullmatch(name))}
    count = len(numbers)
    if numbers != set(range(count)) or not 1 <= count <= MAX_LAYERS:
        raise LegacyError(f"{source}: {_HELP}; found {_some(state)}")
    names = [[f"lstm.{kind}_l{k}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")] for k in range(count)]
    wanted = {"fc.weight", "fc.bias"}.union(*names)
    if missing := sorted(wanted - state.keys()):
        raise LegacyError(f"{source}: {_HELP}; missing: {', '.join(missing)}")
    if extra := sorted(state.keys() - wanted):
        raise LegacyError(f"{source}: {_HELP}; this is another network, with {_some(extra)}")
    layers = tuple(Layer(*(state[name] for name in layer)) for layer in names)
    return _checked(source, Lstm(layers, state["fc.weight"], state["fc.bias"]))


def _some(names: Mapping[str, object] | list[str]) -> str:
    first = [repr(name[:60]) for name in list(names)[:4]]
    return ", ".join(first) + (", ..." if len(names) > 4 else "")


def _checked(source: str, network: Lstm) -> Lstm:
    """Compare every shape with those that follow from the head's."""
    if network.head_weight.ndim != 2 or network.layers[0].input_weight.ndim != 2:
        raise LegacyError(f"{source}: fc.weight or lstm.weight_ih_l0 is no matrix")
    hidden, inputs, outputs = network.hidden, network.inputs, network.outputs
    _expect(source, "fc.bias", network.head_bias, (outputs,))
    for k, layer in enumerate(network.layers):
        _expect(source, f"lstm.weight_ih_l{k}", layer.input_weight, (4 * hidden, inputs if k == 0 else hidden))
        _expect(source, f"lstm.weight_hh_l{k}", layer.hidden_weight, (4 * hidden, hidden))
        _expect(source, f"lstm.bias_ih_l{k}", layer.input_bias, (4 * hidden,))
        _expect(source, f"lstm.bias_hh_l{k}", layer.hidden_bias, (4 * hidden,))
    if inputs not in (1, WINDOW_SLOTS):
        raise LegacyError(f"{source}: takes {inputs} inputs a step; expected 1, or a window of {WINDOW_SLOTS}")
    if outputs not in (1, WINDOW_SLOTS):
        raise LegacyError(
            f"{source}: forecasts {outputs} slots; expected {WINDOW_SLOTS}, or 1 (the single-step variant)"
        )
    return network


def _expect(source: str, name: str, tensor: Floats32, shape: tuple[int, ...]) -> None:
    if tensor.shape != shape:
        raise LegacyError(f"{source}: {name} has shape {tensor.shape}, expected {shape} beside the other weights")


def check_scaler(source: str, scaler: Scaler, network: Lstm) -> None:
    """Refuse a scaler of other data: one feature serves every slot, else there is one for each slot in and out."""
    features = scaler.mean_ms.size
    if features == 1:
        return
    if features != WINDOW_SLOTS:
        raise LegacyError(f"{source}: {features} features; expected 1 (all slots alike) or {WINDOW_SLOTS} (one a slot)")
    if network.outputs != features:
        raise LegacyError(
            f"{source}: {features} features, but the network forecasts {network.outputs} slot: "
            "nothing says which feature undoes its scaling"
        )
