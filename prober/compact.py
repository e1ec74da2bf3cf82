"""A report's compact form: one column of numbers for each field of the runs, in MessagePack.

It says what the JSON of a `Report` says in about half the bytes, and a reader gets arrays instead of an object for each
target. All numbers in the columns are little-endian. An RTT travels in whole quarters of a microsecond: finer than what
is measured, and the steady upper bytes are what makes a large report compress.
"""

import sys
from array import array
from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from prober.wire import LOST, MAX_TARGETS, Name, Report, WireError, check_origin

__all__ = [
    "AGES_PER_MS",
    "MEDIA_TYPE",
    "RTTS_PER_MS",
    "RTT_LOST",
    "RTT_UNMEASURED",
    "Packed",
    "decode_packed",
    "pack",
]

MEDIA_TYPE: Final = "application/vnd.neilats.report+msgpack"

AGES_PER_MS: Final = 10
RTTS_PER_MS: Final = 4000

RTT_LOST: Final = 2**32 - 1
RTT_UNMEASURED: Final = 2**32 - 2


class Packed(Struct, omit_defaults=True):
    """A report with its samples in columns: `head` has none of them.

    The runs follow each other in the order of `targets`; `runs` (uint16) holds how many a target has and `counts`
    (uint16) how many samples each run has, where any has more than one. `ages` (uint32, tenths of a ms) has one number
    for each run, `steps` (float32, ms) one for each or one for all, `rtts` (uint32, quarters of a µs) one for each
    sample.
    """

    head: Report
    targets: Annotated[list[Name], Meta(max_length=MAX_TARGETS)] = msgspec.field(default_factory=list)
    runs: bytes = b""
    counts: bytes = b""
    ages: bytes = b""
    steps: bytes = b""
    rtts: bytes = b""


_packed = msgspec.msgpack.Decoder(Packed)
_encoder = msgspec.msgpack.Encoder()


def decode_packed(body: bytes) -> Packed:
    """Parse a report in the compact form and check all of it but the columns; raises WireError."""
    try:
        packed = _packed.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise WireError(f"not a valid compact report: {e}") from e
    if packed.head.samples:
        raise WireError("the head of a compact report has no samples - at `$.head.samples`")
    check_origin(packed.head, packed.targets)
    return packed


def pack(report: Report) -> bytes:
    """The compact bytes of a report; a target without runs is left out."""
    named = [(t, own) for t, found in report.samples.items() if (own := found if isinstance(found, list) else [found])]
    runs = [run for _, own in named for run in own]
    per_target, counts = [len(own) for _, own in named], [len(run.rtt_ms) for run in runs]
    steps = [run.step_ms for run in runs]
    return _encoder.encode(
        Packed(
            head=msgspec.structs.replace(report, samples={}),
            targets=[target for target, _ in named],
            runs=_column("H", per_target if per_target.count(1) < len(per_target) else []),
            counts=_column("H", counts if counts.count(1) < len(counts) else []),
            ages=_column("I", [int(run.age_ms * AGES_PER_MS + 0.5) for run in runs]),
            steps=_column("f", steps[:1] if steps and steps.count(steps[0]) == len(steps) else steps),
            rtts=_column("I", [v for run in runs for v in _quarters_us(run.rtt_ms)]),
        )
    )


def _quarters_us(rtt_ms: list[float | None]) -> list[int]:
    return [
        RTT_UNMEASURED if v is None or v != v else RTT_LOST if v == LOST else int(v * RTTS_PER_MS + 0.5) for v in rtt_ms
    ]


def _column(kind: str, numbers: Iterable[float]) -> bytes:
    column = array(kind, numbers)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()
