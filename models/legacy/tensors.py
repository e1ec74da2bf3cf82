"""Tensors from raw storages: checked before a byte is taken, finite, float32."""

from dataclasses import dataclass
from math import prod
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.errors import LegacyError

__all__ = ["Floats32", "Storage", "values"]

Floats32: TypeAlias = NDArray[np.float32]

MAX_DIMENSIONS: Final = 4
MAX_ELEMENTS: Final = 2**22
"""Four times the largest matrix of an LSTM with 512 hidden units."""

_BYTES: Final = {"f4": 4, "f8": 8, "f2": 2, "bf2": 2}


@dataclass(frozen=True)
class Storage:
    """What a tensor looks into: raw elements without a shape."""

    key: str
    element: str
    """`f4`, `f8`, `f2`, `bf2` (bfloat16) or a type that no weight has."""
    count: int


def values(where: str, storage: Storage, raw: bytes, big_endian: bool, view: tuple[object, object, object]) -> Floats32:
    """Return the tensor that a view shows.

    Args:
        where: file and tensor, the beginning of messages.
        storage: what `raw` holds.
        raw: the storage's bytes.
        big_endian: the order of these bytes.
        view: (offset, sizes, strides), in elements, as the file states them.

    Raises LegacyError for other types than floats, a view that reaches beyond its storage, and values that are not
    finite.
    """
    width = _BYTES.get(storage.element)
    if width is None:
        raise LegacyError(f"{where}: of type {storage.element}; weights are floats")
    if len(raw) != storage.count * width:
        raise LegacyError(
            f"{where}: {len(raw):,} bytes instead of {storage.count:,} x {width}: truncated or altered; copy it again"
        )
    offset, shape, strides = _checked(where, storage, view)
    flat = _decoded(raw, storage.element, big_endian)
    picked = offset + sum(
        (np.arange(n) * s).reshape([-1 if i == axis else 1 for i in range(len(shape))])
        for axis, (n, s) in enumerate(zip(shape, strides, strict=True))
    )
    tensor: Floats32 = flat[np.broadcast_to(picked, shape)]
    if not np.isfinite(tensor).all():
        raise LegacyError(f"{where}: holds NaN or infinite weights; this model's training failed")
    return tensor


def _checked(
    where: str, storage: Storage, view: tuple[object, object, object]
) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Refuse a view that leaves its storage, or that unfolds to more than it."""
    offset, shape, strides = view
    if type(offset) is not int or not _whole(shape) or not _whole(strides) or offset < 0:
        raise LegacyError(f"{where}: its offset, size or stride is no whole number")
    assert isinstance(shape, tuple)
    assert isinstance(strides, tuple)
    most = min(storage.count, MAX_ELEMENTS)
    if len(shape) != len(strides) or len(shape) > MAX_DIMENSIONS or 0 in shape or prod(shape) > most:
        raise LegacyError(f"{where}: size {shape[:8]} and stride {strides[:8]} do not fit {storage.count:,} elements")
    if offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) >= storage.count:
        raise LegacyError(f"{where}: size {shape} reaches beyond its {storage.count:,} elements")
    return offset, shape, strides


def _whole(numbers: object) -> bool:
    return isinstance(numbers, tuple) and all(type(n) is int and 0 <= n <= 2**31 for n in numbers)


def _decoded(raw: bytes, element: str, big_endian: bool) -> Floats32:
    """Float32 elements; a bfloat16 is the upper half of one. A double beyond float32's range becomes infinite."""
    order = ">" if big_endian else "<"
    if element == "bf2":
        upper = np.frombuffer(raw, f"{order}u2").astype(np.uint32)
        return (upper << 16).view(np.float32)
    with np.errstate(over="ignore"):
        return np.frombuffer(raw, f"{order}{element}").astype(np.float32)
