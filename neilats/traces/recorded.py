"""Traces from recordings: what `neilats record` or an extender with `record_dir` wrote."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from extender.recording import SUFFIX, Block, BlockReader
from extender.segments import segments
from neilats.traces.gaps import gap_warnings
from neilats.traces.grid import Samples, fold
from neilats.traces.trace import Trace, TraceError, as_rtt

__all__ = ["SUFFIX", "read_recording"]

PIECE: Final = 1024 * 1024


def read_recording(path: Path, interval_s: float | None = None) -> Trace:
    """The trace in one segment, or in all segments of a folder; raises TraceError.

    What a crash left unfinished or what was damaged is skipped, with a warning. Slices have the recorded interval
    unless another is given.
    """
    files = segments(path) if path.is_dir() else [path]
    if not files:
        raise TraceError(f"{path}: no recording; expected files that end in {SUFFIX}")
    warnings: list[str] = []
    blocks = [block for file in files for block in _blocks(file, warnings) if len(block.at_s)]
    if not blocks:
        raise TraceError(f"{path}: no sample that can be read" + "".join(f"; {w}" for w in warnings))
    step_s = interval_s or blocks[-1].interval_s
    if len(used := sorted({b.interval_s for b in blocks})) > 1 and interval_s is None:
        warnings.append(f"recorded at several intervals ({', '.join(f'{s:g}' for s in used)} s); {step_s:g} s is used")
    samples = _joined(blocks)
    if (samples.rtt < 0).any():
        raise TraceError(f"{path}: negative round trips; this is no recording of an extender's")
    rtt_ms = as_rtt(fold(samples, step_s, str(path)))
    return Trace(rtt_ms, step_s, tuple(samples.nodes), (*warnings, *gap_warnings(rtt_ms, step_s)))


def _blocks(file: Path, warnings: list[str]) -> Iterator[Block]:
    reader = BlockReader()
    try:
        with file.open("rb") as data:
            while piece := data.read(PIECE):
                yield from (block for _, block in reader.feed(piece))
    except OSError as e:
        raise TraceError(f"{file}: cannot be read ({e.strerror or e})") from e
    while reader.pending:
        reader.end()
        yield from (block for _, block in reader.feed(b""))
    if reader.skipped:
        warnings.append(f"{file.name}: {reader.skipped} damaged or unfinished bytes were skipped")


def _joined(blocks: list[Block]) -> Samples:
    """All blocks' samples under one table of names, in the order of the names."""
    nodes = sorted({name for block in blocks for name in block.nodes})
    place = {name: i for i, name in enumerate(nodes)}
    local = [np.array([place[name] for name in block.nodes], np.intp) for block in blocks]
    pairs = list(zip(blocks, local, strict=True))
    return Samples(
        at_s=np.concatenate([b.at_s for b in blocks]),
        source=np.concatenate([of[b.source] for b, of in pairs]),
        target=np.concatenate([of[b.target] for b, of in pairs]),
        rtt=np.concatenate([b.rtt_ms for b in blocks]).astype(np.float64),
        nodes=nodes,
    )
