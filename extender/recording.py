"""The format of recordings: blocks of samples that each stand for themselves.

A segment is a file of blocks, only ever appended to. A block holds its own names, so that it can be read after what
came before was rotated away, lost in a crash, or never heard by a subscriber that came later:

    4 bytes magic | u32 length of header | u32 length of body | u32 CRC-32 of header and body | header | body

little-endian. The header is JSON: `{"n": samples, "at": seconds since the epoch, "interval_s": s, "nodes": [names]}`.
The body is zlib: int32[n] milliseconds after `at`, uint16[n] source, uint16[n] target (indexes of the names),
float32[n] RTT in ms (+inf lost, NaN not measured), sorted by path and time, which packs best.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAGIC", "MOST_NODES", "SUFFIX", "Block", "BlockReader", "encode_block"]

MAGIC: Final = b"NLR1"
SUFFIX: Final = ".nlrec"
MOST_NODES: Final = 1 << 16
_HEAD: Final = struct.Struct("<4sIII")
_COLUMNS: Final = (("dt_ms", "<i4"), ("source", "<u2"), ("target", "<u2"), ("rtt", "<f4"))
_SAMPLE_BYTES: Final = sum(np.dtype(kind).itemsize for _, kind in _COLUMNS)
_MOST_BYTES: Final = 64 * 1024 * 1024
"""No writer makes a larger header or body: a length above it is damage."""


@dataclass(frozen=True)
class Block:
    """n samples of paths."""

    at_s: NDArray[np.float64]
    """[n] seconds since the epoch, to the millisecond."""
    source: NDArray[np.uint16]
    """[n] index of the source's name."""
    target: NDArray[np.uint16]
    rtt_ms: NDArray[np.float32]
    """[n] +inf lost, NaN not measured."""
    nodes: Sequence[str]
    interval_s: float
    """The extender's interval: what slices a trace should have."""

    @classmethod
    def empty(cls, interval_s: float) -> "Block":
        """A block without samples."""
        none = np.zeros(0, np.uint16)
        return cls(np.zeros(0), none, none, np.zeros(0, np.float32), (), interval_s)


def encode_block(block: Block) -> bytes:
    """A block's bytes; its samples must lie within 24 days."""
    order = np.lexsort((block.at_s, block.target, block.source))
    first = float(block.at_s.min()) if len(block.at_s) else 0.0
    values = {
        "dt_ms": np.rint((block.at_s - first) * 1000)[order],
        "source": block.source[order],
        "target": block.target[order],
        "rtt": block.rtt_ms[order],
    }
    body = zlib.compress(b"".join(values[name].astype(kind).tobytes() for name, kind in _COLUMNS), 6)
    meta = {"n": len(order), "at": first, "interval_s": block.interval_s, "nodes": list(block.nodes)}
    header = json.dumps(meta, separators=(",", ":")).encode()
    return _HEAD.pack(MAGIC, len(header), len(body), zlib.crc32(body, zlib.crc32(header))) + header + body


class BlockReader:
    """Finds blocks in bytes that come piece by piece; what is damaged is skipped and counted."""

    def __init__(self) -> None:
        self._data = b""
        self.skipped = 0
        """Bytes that belonged to no whole block."""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, Block]]:
        """Every block that is complete now, with its bytes."""
        self._data += data
        while (found := self._next()) is not None:
            yield found

    def end(self) -> None:
        """Nothing follows: what is left is the beginning of a block that was never finished.

        Blocks behind a damaged length are looked for with `feed(b"")` after it, until `pending` is 0.
        """
        if self._data:
            self._skip(len(MAGIC))

    @property
    def pending(self) -> int:
        """Bytes of an unfinished block."""
        return len(self._data)

    def _next(self) -> tuple[bytes, Block] | None:
        while len(self._data) >= _HEAD.size:
            magic, header, body, check = _HEAD.unpack_from(self._data)
            if magic != MAGIC or header > _MOST_BYTES or body > _MOST_BYTES:
                self._skip(1)
                continue
            size = _HEAD.size + header + body
            if len(self._data) < size:
                return None
            raw = self._data[:size]
            block = None if zlib.crc32(raw[_HEAD.size :]) != check else _decoded(raw, header)
            if block is None:
                self._skip(len(MAGIC))
                continue
            self._data = self._data[size:]
            return raw, block
        return None

    def _skip(self, least: int) -> None:
        """Go on at the next magic behind so many bytes, or keep what may be the beginning of one."""
        at = self._data.find(MAGIC, least)
        gone = at if at >= 0 else max(min(least, len(self._data)), len(self._data) - len(MAGIC) + 1)
        self.skipped += gone
        self._data = self._data[gone:]


def _decoded(raw: bytes, header: int) -> Block | None:
    """The block of these bytes; None if they make no sense, although their checksum is right."""
    try:
        meta = json.loads(raw[_HEAD.size : _HEAD.size + header])
        count, nodes = int(meta["n"]), [str(name) for name in meta["nodes"]]
        first, interval_s = float(meta["at"]), float(meta["interval_s"])
        inflater = zlib.decompressobj()
        body = inflater.decompress(raw[_HEAD.size + header :], max(count, 0) * _SAMPLE_BYTES + 1)
        columns = _split(body, count)
    except (ValueError, KeyError, TypeError, OverflowError, zlib.error, RecursionError):
        return None
    if not interval_s > 0 or not np.isfinite([first, interval_s]).all():
        return None
    if max(columns["source"].max(initial=0), columns["target"].max(initial=0)) >= max(len(nodes), 1):
        return None
    at_s = first + columns["dt_ms"] / 1000
    return Block(at_s, columns["source"], columns["target"], columns["rtt"], nodes, interval_s)


def _split(body: bytes, count: int) -> dict[str, NDArray[Any]]:
    if count < 0 or len(body) != count * _SAMPLE_BYTES:
        raise ValueError("the body does not hold the samples that its header names")
    columns, offset = {}, 0
    for name, kind in _COLUMNS:
        columns[name] = np.frombuffer(body, kind, count, offset)
        offset += columns[name].nbytes
    return columns
