"""What was measured once and is no longer: it would grow with the square of the nodes if it stayed."""

from collections.abc import Container

import numpy as np

from extender.windows import WindowStore

__all__ = ["let_go"]


def let_go(store: WindowStore, source: str, listed: Container[str], now: float, over_s: float) -> int:
    """Drop a source's paths that are not in its list and have no sample younger than `over_s`; returns how many.

    By then nothing is left of them in their windows. Only the long memory goes, which estimates stand in for.
    """
    unlisted = [(target, row) for _, target, row in store.paths(source) if target not in listed]
    if not unlisted:
        return 0
    targets, rows = zip(*unlisted, strict=True)
    old = store.age_s(np.array(rows, np.intp), now) > over_s
    gone = [target for target, yes in zip(targets, old.tolist(), strict=True) if yes]
    if gone:
        store.release(source, gone)
    return len(gone)
