"""From torch to ONNX, compared with torch before anything is written."""

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from models.runtime.ort import ort
from models.runtime.session import Float32s
from models.training.errors import TrainingError

__all__ = ["TOLERANCE", "to_onnx", "verify"]

TOLERANCE: Final = 1e-4
"""Largest difference to torch, relative to the larger of the value and the row's."""

_OPSET: Final = 17


def to_onnx(network: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> bytes:
    """Return the ONNX file of a network; its first dimension is the batch, `n`.

    Args:
        network: in eval mode it is what is exported.
        inputs: by name, an example of each ``[k, ...]``; the export is compared with torch on these.
        outputs: names, in the order in which the network returns them.

    Raises:
        TrainingError: the export differs from torch.
    """
    network.eval()
    free = {name: {0: "n"} for name in (*inputs, *outputs)}
    content = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        # The newer exporter needs onnxscript. The older one warns that it is old, and that batches might not vary,
        # which `verify` tries.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, tuple(inputs.values()), content,  # type: ignore[arg-type]
            dynamo=False, input_names=list(inputs),
            output_names=list(outputs), dynamic_axes=free, opset_version=_OPSET,
        )  # fmt: skip
    network_bytes = _named_alike(content.getvalue())
    verify(network_bytes, network, inputs, outputs)
    return network_bytes


def _named_alike(exported: bytes) -> bytes:
    """Drop what depends on the machine, so that the same weights give the same bytes."""
    model = onnx.load_model_from_string(exported)
    for node in model.graph.node:
        node.ClearField("doc_string")
    model.producer_name = "neilats"
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def verify(exported: bytes, network: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> None:
    """Raise TrainingError unless the export gives what torch gives, for the whole batch and for a batch of one."""
    session = ort.InferenceSession(exported, providers=["CPUExecutionProvider"])
    network.eval()
    for rows in (slice(None), slice(1)):
        batch = {name: value[rows] for name, value in inputs.items()}
        with torch.no_grad():
            expected = network(*batch.values())
        found = session.run(list(outputs), {name: value.numpy() for name, value in batch.items()})
        expected = expected if isinstance(expected, tuple) else (expected,)
        for name, ours, theirs in zip(outputs, found, expected, strict=True):
            _compare(name, ours, theirs.numpy())


def _compare(name: str, ours: Float32s, theirs: Float32s) -> None:
    if ours.shape != theirs.shape:
        raise TrainingError(f"{name!r} has the shape {ours.shape} in the export and {theirs.shape} in torch")
    rows = np.abs(theirs).reshape(len(theirs), -1).max(axis=1, initial=1e-6).reshape(-1, *[1] * (theirs.ndim - 1))
    difference = float((np.abs(ours - theirs) / rows).max(initial=0.0))
    if not difference <= TOLERANCE:
        raise TrainingError(
            f"{name!r} of the export differs from torch by {difference:.2g}: use the torch of the extra `train`"
        )
