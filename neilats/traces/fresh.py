"""Which readings of a trace only repeat an older one.

Some sources probe all their targets in a sweep now and then and report the last result in every slice between: in the
Seattle trace about five slices. A rule that leans on the last value gains from that artefact. An equal value is no
proof, as a coarse resolution makes equal values too; but sweeps show: where a source measured anew, most of its links
change in the same slice (75 % in Seattle), elsewhere none does.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["SWEEP_SHARE", "repetitions"]

SWEEP_SHARE: Final = 0.3
"""From this share of a source's other links that change on, it measured anew. In Seattle no slice of any source has a
share between .02 and .3."""


def repetitions(rtt_ms: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return ``[T, N, N]``: where a reading equals the one before it of its path, and its source did not measure anew.

    Args:
        rtt_ms: ``[T, N, N]`` as in a trace. What is not measured is no reading, and no repetition.
    """
    repeated = np.zeros(rtt_ms.shape, dtype=bool)
    before = rtt_ms[:1].copy()[0] if len(rtt_ms) else rtt_ms
    for t in range(1, len(rtt_ms)):
        now = rtt_ms[t]
        measured = ~np.isnan(now)
        compared = measured & ~np.isnan(before)
        changed = compared & (now != before)
        others = compared.sum(axis=1, keepdims=True) - compared
        others_changed = changed.sum(axis=1, keepdims=True) - changed
        repeated[t] = compared & ~changed & (others_changed < SWEEP_SHARE * np.maximum(others, 1))
        before = np.where(measured, now, before)
    return repeated
