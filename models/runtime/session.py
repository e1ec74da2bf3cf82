"""One network in ONNX Runtime: checked when it is loaded, run in batches that keep memory small.

Synchronous: the caller decides in which thread it runs. A session may be run by several threads at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.artefact import Artefact
from models.errors import ArtefactError
from models.manifest import Manifest, Shape
from models.runtime.ort import ort

__all__ = ["BATCH_WINDOWS", "Float32s", "OnnxModel", "sizes"]

Float32s = NDArray[np.float32]

BATCH_WINDOWS: Final = 250
"""Most windows of one run: a network's intermediate values are many times larger than its input."""

_FATAL_ONLY: Final = 4
_NOWHERE: Final = "/dev/null/neilats"
"""An ONNX file may keep weights in other files, which no sha256 covers; where they are sought, there is nothing."""
_FLOAT: Final = "tensor(float)"


@dataclass(frozen=True)
class OnnxModel:
    """A loaded network and its manifest, which agree on the names and shapes of what goes in and comes out."""

    manifest: Manifest
    _session: ort.InferenceSession
    source: str
    """The file, for messages."""

    @classmethod
    def load(cls, artefact: Artefact, threads: int = 2) -> "OnnxModel":
        """Load a verified artefact; raises ArtefactError where it cannot be loaded or is not what its manifest says.

        `threads` is the most that one run may use.
        """
        source = str(artefact.path)
        try:
            session = ort.InferenceSession(artefact.network, _options(threads), providers=["CPUExecutionProvider"])
        except Exception as e:  # ONNX Runtime's exceptions have no base of their own
            raise ArtefactError(f"{source}: ONNX Runtime cannot load it: {_first_line(e)}") from e
        _compare(source, "input", artefact.manifest.inputs, session.get_inputs())
        _compare(source, "output", artefact.manifest.outputs, session.get_outputs())
        return cls(artefact.manifest, session, source)

    def run(self, inputs: Mapping[str, Float32s]) -> dict[str, Float32s]:
        """Run the network on n windows: every input ``[n, ...]`` as in the manifest gives every output ``[n, ...]``.

        Raises ArtefactError when the network fails or gives another shape than it promised.
        """
        rows = self._rows(inputs)
        names = list(self.manifest.outputs)
        results = {name: np.empty((rows, *sizes(self.manifest.outputs[name])), np.float32) for name in names}
        for start in range(0, rows, BATCH_WINDOWS):
            part = slice(start, min(start + BATCH_WINDOWS, rows))
            for name, value in zip(names, self._run_batch(names, inputs, part), strict=True):
                if value.shape != results[name][part].shape:
                    raise ArtefactError(
                        f"{self.source}: {name!r} came out as {value.shape}, which is not in its manifest"
                    )
                results[name][part] = value
        return results

    def _run_batch(self, names: Sequence[str], inputs: Mapping[str, Float32s], part: slice) -> list[Any]:
        try:
            return list(self._session.run(names, {k: np.ascontiguousarray(v[part]) for k, v in inputs.items()}))
        except Exception as e:  # see `load`
            raise ArtefactError(f"{self.source}: ONNX Runtime cannot run it: {_first_line(e)}") from e

    def _rows(self, inputs: Mapping[str, Float32s]) -> int:
        """Return n, after a check of the caller's arrays: ONNX Runtime's own words for a mistake are hard to read."""
        expected = self.manifest.inputs
        shapes = {name: array.shape for name, array in inputs.items()}
        rows = {shape[0] for shape in shapes.values() if shape}
        wrong = shapes.keys() != expected.keys() or len(rows) != 1
        if wrong or any(shapes[name][1:] != sizes(expected[name]) for name in expected):
            raise ValueError(f"inputs {shapes}, expected {expected}")
        return int(rows.pop())


def sizes(shape: Shape) -> tuple[int, ...]:
    """Return a promised shape without its batch."""
    return tuple(int(size) for size in shape[1:])


def _options(threads: int) -> ort.SessionOptions:
    """Few threads, which sleep when there is nothing to do; memory goes back after a run."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _FATAL_ONLY  # what goes wrong is raised, and said once
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NOWHERE)
    return options


def _compare(source: str, role: str, promised: Mapping[str, Shape], found: Sequence[Any]) -> None:
    """Refuse a network whose tensors are not the manifest's."""
    actual = {tensor.name: list(tensor.shape) for tensor in found}
    if actual.keys() != promised.keys():
        raise ArtefactError(f"{source}: {role}s {sorted(actual)}, but its manifest says {sorted(promised)}")
    for tensor in found:
        if tensor.type != _FLOAT:
            raise ArtefactError(f"{source}: {role} {tensor.name!r} is a {tensor.type}, expected {_FLOAT}")
        if not _fits(promised[tensor.name], list(tensor.shape)):
            raise ArtefactError(
                f"{source}: {role} {tensor.name!r} has shape {tensor.shape}, "
                f"but its manifest says {promised[tensor.name]}: the two files do not belong together"
            )


def _fits(promised: Shape, actual: Sequence[Any]) -> bool:
    """Whether the batch is free and every other dimension is the same; an unnamed output dimension shows in the run."""
    if len(promised) != len(actual) or isinstance(actual[0], int):
        return False
    return all(not isinstance(a, int) or a == p for p, a in zip(promised[1:], actual[1:], strict=True))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


ort.disable_telemetry_events()
