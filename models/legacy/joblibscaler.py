"""A fitted StandardScaler from a joblib dump, read without joblib or scikit-learn.

The dump is a pickle in which each array is a `NumpyArrayWrapper` whose raw bytes follow right behind it in the stream;
joblib >= 1.2 aligns them by a length byte and padding (joblib/numpy_pickle.py). Scalars, and arrays of a plain
pickle.dump, lie within the pickle itself. The whole may be compressed by zlib or gzip.
"""

import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.errors import LegacyError
from models.legacy.nparrays import NUMPY_NAMES, WRAPPER, array, array_behind, is_array, is_scalar, scalar
from models.legacy.pickled import Machine, Record
from models.legacy.source import guess, read_source

__all__ = ["Scaler", "read_scaler"]

Doubles: TypeAlias = NDArray[np.float64]

MAX_FILE_BYTES: Final = 4 * 2**20
MAX_FEATURES: Final = 4096
SMALLEST: Final = 1e-12
LARGEST: Final = 1e12
"""Within these float32 neither overflows nor vanishes."""

_SCALERS: Final = frozenset({"sklearn.preprocessing._data.StandardScaler", "sklearn.preprocessing.data.StandardScaler"})
_ALLOWED: Final = frozenset({*_SCALERS, *NUMPY_NAMES, WRAPPER, "_codecs.encode"})

_HELP: Final = "expected a StandardScaler as joblib.dump(scaler, FILE) writes it"


@dataclass(frozen=True)
class Scaler:
    """z = (x - mean) / scale, for each of its features."""

    mean_ms: Doubles
    """``[f]``; zero for a scaler that does not centre."""
    scale_ms: Doubles
    """``[f]``, positive; one for a scaler that does not scale."""
    samples: int | None
    """What it was fitted on, where the file says it."""
    version: str | None
    """Of the scikit-learn that wrote it."""


def read_scaler(path: Path) -> Scaler:
    """Return the scaler; raises LegacyError that names the file and says what was expected."""
    content = _unpacked(path, read_source(path, MAX_FILE_BYTES))
    if content[:1] != b"\x80":
        hint = guess(content) or "; protocols 0 and 1 of pickle are not read" * content.startswith((b"c", b"("))
        raise LegacyError(f"{path}: {_HELP}{hint}")
    source, stream = f"{path}: {_HELP}", io.BytesIO(content)
    machine = Machine(stream, _ALLOWED, source, built=lambda record: array_behind(record, stream, source, _ALLOWED))
    found = machine.load()
    if not isinstance(found, Record) or found.name not in _SCALERS or not isinstance(found.state, dict):
        raise LegacyError(f"{source}; found none")
    return _scaler(path, found.state)


def _unpacked(path: Path, content: bytes) -> bytes:
    """Undo joblib's compression, up to the size that an uncompressed file may have."""
    if not content.startswith((b"\x1f\x8b", b"\x78")):
        return content
    try:
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # tells zlib from gzip by itself
        unpacked = unpacker.decompress(content, MAX_FILE_BYTES)
    except zlib.error as e:
        raise LegacyError(f"{path}: {_HELP}; truncated or damaged: {e}") from e
    if not unpacker.eof:
        what = "unpacks to more than 4 MiB" if unpacker.unconsumed_tail else "truncated; copy it again"
        raise LegacyError(f"{path}: {_HELP}; {what}")
    return unpacked


def _scaler(path: Path, state: dict[object, object]) -> Scaler:
    """Take from the attributes what the transformation needs."""
    centres, scales = (state.get(switch, True) for switch in ("with_mean", "with_std"))
    if centres not in (True, False) or scales not in (True, False):
        raise LegacyError(f"{path}: with_mean or with_std is neither True nor False")
    parts = {
        name: _numbers(path, name, state.get(name))
        for name, wanted in (("mean_", centres), ("scale_", scales))
        if wanted
    }
    count = _features(path, state, parts)
    mean, scale = parts.get("mean_", np.zeros(count)), parts.get("scale_", np.ones(count))
    if mean.shape != scale.shape or mean.shape != (count,):
        raise LegacyError(f"{path}: mean_ has {mean.size} features, scale_ {scale.size}, n_features_in_ says {count}")
    if not (scale > 0).all():
        raise LegacyError(f"{path}: scale_ holds zero or less; scikit-learn writes 1 for a constant feature")
    if scale.min() < SMALLEST or max(scale.max(), np.abs(mean).max()) > LARGEST:
        raise LegacyError(f"{path}: mean_ or scale_ is beyond anything that a round trip in ms can be")
    version = state.get("_sklearn_version")
    return Scaler(mean, scale, _samples(state), version[:40] if isinstance(version, str) else None)


def _numbers(path: Path, name: str, value: object) -> Doubles:
    """Return a finite vector."""
    if value is None:
        raise LegacyError(f"{path}: the scaler has no {name}: it was dumped before it was fitted")
    found = array(value, f"{path}: {name}") if is_array(value) else None
    if found is None or found.ndim != 1 or not 1 <= found.size <= MAX_FEATURES:
        raise LegacyError(f"{path}: {name} is no vector of numbers")
    numbers: Doubles = found.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise LegacyError(f"{path}: {name} holds NaN or infinity; the scaler was fitted on unusable data")
    return numbers


def _features(path: Path, state: dict[object, object], parts: dict[str, Doubles]) -> int:
    """Return how many features it was fitted on; older versions do not say it beside the vectors."""
    stated = state.get("n_features_in_")
    if stated is None and parts:
        return next(iter(parts.values())).size
    if type(stated) is not int or not 1 <= stated <= MAX_FEATURES:
        raise LegacyError(f"{path}: n_features_in_ is no number of features")
    return stated


def _samples(state: dict[object, object]) -> int | None:
    """Return the number of samples: an int, a scalar, or an array with one number per feature; no need to be strict."""
    seen = state.get("n_samples_seen_")
    if is_scalar(seen):
        seen = scalar(seen, "n_samples_seen_")
    elif is_array(seen):
        counts = array(seen, "n_samples_seen_")
        seen = float(counts.max()) if counts.size else None
    return int(seen) if isinstance(seen, (int, float)) and 0 <= seen < 2**53 else None
