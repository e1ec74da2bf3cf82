"""What the other side reads of the load's reports."""

import math
import zlib

import msgspec

from extender.columns import of_packed
from prober.compact import decode_packed
from prober.wire import LOST, Report, Run

_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"


def read_report(content: bytes) -> Report:
    """The report, compressed or not, with its samples as JSON would have them."""
    packed = decode_packed(zlib.decompress(content, _GZIP) if content.startswith(_MAGIC) else content)
    columns, at = of_packed(packed), 0
    samples: dict[str, list[Run]] = {}
    for place, count, age_ms, step_ms in zip(
        columns.places.tolist(), columns.counts.tolist(), columns.ages_ms, columns.steps_ms, strict=True
    ):
        rtt_ms = [_value(v) for v in columns.rtt_ms[at : at + count].tolist()]
        samples.setdefault(columns.targets[place], []).append(Run(float(age_ms), float(step_ms), rtt_ms))
        at += count
    one_or_several: dict[str, Run | list[Run]] = {t: own if len(own) > 1 else own[0] for t, own in samples.items()}
    return msgspec.structs.replace(packed.head, samples=one_or_several)


def _value(rtt_ms: float) -> float | None:
    return None if math.isnan(rtt_ms) else LOST if math.isinf(rtt_ms) else rtt_ms
