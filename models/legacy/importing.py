"""From the old plugin's two files of a pair to an artefact that serves the pair."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from models import artefact
from models.errors import ArtefactError, LegacyError
from models.legacy.contract import INPUT, KIND, OUTPUT, WINDOW_SLOTS
from models.legacy.joblibscaler import Scaler, read_scaler
from models.legacy.lstm import Lstm, check_scaler, recognise
from models.legacy.lstmonnx import build
from models.legacy.source import read_source
from models.legacy.torchzip import MAX_FILE_BYTES, read_state_dict
from models.manifest import Manifest, check_pair
from models.registry import Registry

__all__ = ["Converted", "convert", "convert_to_file", "import_pair", "pair_of"]

_NETWORK: Final = re.compile(r"lstm_(.+)\.pth")
_SCALER: Final = re.compile(r"scaler_(.+)\.pkl")


@dataclass(frozen=True)
class Converted:
    """The old files as one network with its scaler folded in."""

    network: Lstm
    scaler: Scaler
    onnx: bytes
    """``window [n, 30]`` ms -> ``rtt_ms [n, 30 or 1]`` ms."""


def convert(pth: Path, pkl: Path) -> Converted:
    """Read both files and build the ONNX; raises LegacyError that names the file at fault."""
    network = recognise(str(pth), read_state_dict(pth))
    scaler = read_scaler(pkl)
    check_scaler(str(pkl), scaler, network)
    return Converted(network, scaler, build(network, scaler))


def pair_of(pth: Path, pkl: Path, given: str | None = None) -> str:
    """Return the pair: the one that is given, else the one in both files' names; raises LegacyError if they differ."""
    if given is not None:
        return check_pair(given)
    found = [m[1] if (m := pattern.fullmatch(path.name)) else None for pattern, path in _patterns(pth, pkl)]
    if None in found or found[0] != found[1]:
        raise LegacyError(
            f"{pth.name} and {pkl.name}: expected lstm_A2B.pth and scaler_A2B.pkl of the same pair; "
            "name the pair itself (--pair A2B) if that is what they are"
        )
    return check_pair(str(found[0]), pth.name)


def _patterns(pth: Path, pkl: Path) -> list[tuple[re.Pattern[str], Path]]:
    return [(_NETWORK, pth), (_SCALER, pkl)]


def import_pair(pth: Path, pkl: Path, registry: Registry, pair: str | None = None) -> Manifest:
    """Convert a pair's files, write them as an artefact, and let it serve the pair.

    The artefact is named after the pair and its content, so that files of a later training become another artefact
    and a rollback finds the earlier one. Returns its manifest. Raises LegacyError for the old files, ArtefactError for
    the registry; the registry then serves what it served before.
    """
    of = pair_of(pth, pkl, pair)
    converted = convert(pth, pkl)
    name = f"lstm-{of}-{sha256(converted.onnx).hexdigest()[:8]}"
    written = artefact.write(registry.directory, _manifest(name, of, converted, pth, pkl), converted.onnx)
    registry.promote(written.name)
    return written


def convert_to_file(pth: Path, pkl: Path, out: Path, pair: str | None = None) -> Manifest:
    """Convert a pair's files to `out`, a `.onnx` file that gets its manifest beside it; nothing is promoted.

    Without a pair the model may be promoted for all. Raises LegacyError or ArtefactError.
    """
    if out.suffix != artefact.NETWORK_SUFFIX:
        raise ArtefactError(f"{out}: the name of a network ends with {artefact.NETWORK_SUFFIX}")
    of = None if pair is None else check_pair(pair)
    converted = convert(pth, pkl)
    return artefact.write(out.parent, _manifest(out.stem, of, converted, pth, pkl), converted.onnx)


def _manifest(name: str, pair: str | None, converted: Converted, pth: Path, pkl: Path) -> Manifest:
    outputs = converted.network.outputs
    return Manifest(
        name=name,
        kind=KIND,
        architecture=_architecture(converted.network),
        window=WINDOW_SLOTS,
        horizon=outputs,
        interval_s=None,
        inputs={INPUT: ["n", WINDOW_SLOTS]},
        outputs={OUTPUT: ["n", outputs]},
        training={"recipe": "seed" if outputs > 1 else "seed-single-step", "samples": converted.scaler.samples},
        data={
            "description": "imported; what it was trained on is not recorded in the files",
            "sources": {path.name: sha256(read_source(path, MAX_FILE_BYTES)).hexdigest() for path in (pth, pkl)},
            "scikit_learn": converted.scaler.version,
        },
        metrics={},
        created=datetime.now(UTC).replace(microsecond=0),
        pair=pair,
    )


def _architecture(network: Lstm) -> dict[str, Any]:
    return {
        "type": "lstm",
        "hidden": network.hidden,
        "layers": len(network.layers),
        "inputs_per_step": network.inputs,
    }
