"""NumPy's arrays and scalars as pickles and joblib dumps hold them, of plain numbers only."""

from math import prod
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from models.errors import LegacyError
from models.legacy.pickled import Machine, Record

__all__ = ["NUMPY_NAMES", "WRAPPER", "array", "array_behind", "is_array", "is_scalar", "scalar"]

Numbers = NDArray[Any]

WRAPPER: Final = "joblib.numpy_pickle.NumpyArrayWrapper"

_SCALAR: Final = frozenset({"numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"})
_RECONSTRUCT: Final = frozenset({"numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"})
NUMPY_NAMES: Final = frozenset({"numpy.dtype", "numpy.ndarray", *_SCALAR, *_RECONSTRUCT})
"""NumPy 1 and 2 differ in the name of a module."""

MAX_ELEMENTS: Final = 100_000

_NUMBERS: Final = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"})


def is_array(value: object) -> bool:
    """Whether the value is an array, in either form."""
    return isinstance(value, Record) and (value.name == WRAPPER or value.name in _RECONSTRUCT)


def is_scalar(value: object) -> bool:
    """Whether the value is a scalar of NumPy."""
    return isinstance(value, Record) and value.name in _SCALAR


def array_behind(record: Record, stream: BinaryIO, source: str, allowed: frozenset[str]) -> None:
    """Give a joblib wrapper the array whose bytes follow in the stream; other records stay as they are.

    An array of objects, such as the names of the features, follows as a pickle of its own: read past, and of no use.
    """
    if record.name != WRAPPER:
        return
    state = record.state if isinstance(record.state, dict) else {}
    if _kind(state.get("dtype")) == "O8":
        Machine(stream, allowed | {"numpy.dtype"}, source, built=lambda inner: _no_wrapper(inner, source)).load()
        record.state = None
        return
    _skip_padding(state.get("numpy_array_alignment_bytes"), stream)
    dtype = _dtype(state.get("dtype"), source)
    shape = _shape(state.get("shape"), source)
    raw = stream.read(prod(shape) * dtype.itemsize)
    record.state = _shaped(raw, dtype, shape, state.get("order") == "F", source)


def _no_wrapper(record: Record, source: str) -> None:
    """An array of objects holds no arrays of joblib's."""
    if record.name == WRAPPER:
        raise LegacyError(f"{source}: an array within an array of objects; refused")


def _skip_padding(alignment: object, stream: BinaryIO) -> None:
    """joblib >= 1.2 writes how many bytes of padding follow; before, the wrapper had no alignment."""
    if alignment is not None:
        stream.read(stream.read(1)[0])


def array(value: object, where: str) -> Numbers:
    """Return an array of numbers; raises LegacyError for objects, and for what does not hold together."""
    assert isinstance(value, Record)
    if value.name == WRAPPER:
        if not isinstance(value.state, np.ndarray):
            raise LegacyError(f"{where}: an array of objects instead of numbers; refused")
        return value.state
    state = value.state
    if not isinstance(state, tuple) or len(state) != 5:
        raise LegacyError(f"{where}: an array without content")
    _version, shape, dtype, fortran, raw = state
    return _shaped(_bytes(raw, where), _dtype(dtype, where), _shape(shape, where), fortran is True, where)


def scalar(value: object, where: str) -> float:
    """Return a scalar as a number; raises LegacyError."""
    assert isinstance(value, Record)
    if len(value.args) != 2:
        raise LegacyError(f"{where}: a scalar without content")
    dtype, raw = value.args
    return float(_shaped(_bytes(raw, where), _dtype(dtype, where), (1,), False, where)[0])


def _shaped(raw: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool, where: str) -> Numbers:
    if len(raw) != prod(shape) * dtype.itemsize:
        raise LegacyError(f"{where}: {len(raw)} bytes for {shape} numbers of {dtype.itemsize}: truncated or damaged")
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")


def _shape(value: object, where: str) -> tuple[int, ...]:
    whole = isinstance(value, tuple) and len(value) <= 3 and all(type(n) is int and n >= 0 for n in value)
    if not whole or not isinstance(value, tuple) or prod(value) > MAX_ELEMENTS:
        raise LegacyError(f"{where}: an array whose shape makes no sense")
    return value


def _kind(value: object) -> str:
    """Return a dtype's letter and size; empty for anything else."""
    named = isinstance(value, Record) and value.name == "numpy.dtype" and bool(value.args)
    kind = value.args[0] if named and isinstance(value, Record) else ""
    return kind if isinstance(kind, str) else ""


def _dtype(value: object, where: str) -> np.dtype[Any]:
    """Return a dtype of numbers, from `dtype('f8', False, True)` with the state (3, '<', ...)."""
    kind = _kind(value)
    if kind not in _NUMBERS:
        raise LegacyError(f"{where}: an array of {kind[:20] or 'unknown'!r} elements instead of numbers; refused")
    state = value.state if isinstance(value, Record) else None
    order = state[1] if isinstance(state, tuple) and len(state) > 1 else "<"
    if order not in ("<", ">", "|", "="):
        raise LegacyError(f"{where}: an array in an unknown byte order")
    return np.dtype(kind).newbyteorder(">" if order == ">" else "<")


def _bytes(value: object, where: str) -> bytes:
    """Return bytes; pickle protocol 2 has none, and writes a call of `encode` on a Latin-1 text."""
    if isinstance(value, bytes):
        return value
    encoded = isinstance(value, Record) and value.name == "_codecs.encode" and len(value.args) == 2
    text, codec = value.args if encoded and isinstance(value, Record) else (None, None)
    if not isinstance(text, str) or codec != "latin1" or any(ord(c) > 0xFF for c in text):
        raise LegacyError(f"{where}: an array without bytes")
    return text.encode("latin-1")
