"""What was measured once and is no longer: it would grow with the square of the nodes if it stayed."""

from collections.abc import Container

from extender.windows import WindowStore

__all__ = ["let_go"]


def let_go(store: WindowStore, source: str, listed: Container[str], now: float, over_s: float) -> int:
    """Drop a source's paths that are not in its list and have no sample younger than `over_s`; returns how many.

    By then nothing is left of them in their windows. Only the long memory goes, which estimates stand in for.
    """
    targets, rows = store.paths_from(source)
    # What waits to be written can make none of them older.
    if not (store.age_s(rows, now, flush=False) > over_s).any():
        return 0
    old = store.age_s(rows, now) > over_s
    gone = [t for t, yes in zip(targets, old.tolist(), strict=True) if yes and t not in listed]
    if gone:
        store.release(source, gone)
    return len(gone)
