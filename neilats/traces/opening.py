"""Opens any trace by its name: a file, a folder of recordings, or a synthetic network."""

from pathlib import Path

from neilats.traces.npz import read_npz
from neilats.traces.recorded import SUFFIX, read_recording
from neilats.traces.synthetic import PREFIX, synthetic
from neilats.traces.table import read_csv
from neilats.traces.trace import Trace, TraceError

__all__ = ["open_trace"]


def open_trace(name: str, unit: str | None = None, interval_s: float | None = None) -> Trace:
    """The trace of this name; raises TraceError.

    Args:
        name: `FILE.npz`, `FILE.csv`, a recording or a folder of them, or `synthetic:lan?nodes=20&seed=1`.
        unit: of the values: s, ms or us; None takes them as ms, if that can be.
        interval_s: seconds between slices, for traces that do not say it, or other than what they say.
    """
    if name.startswith(PREFIX):
        return synthetic(name)
    path = Path(name)
    if not path.exists():
        raise TraceError(f"{name}: no such file or folder; a synthetic trace is called {PREFIX}lan?seed=1")
    if path.is_dir() or path.suffix == SUFFIX:
        return read_recording(path, interval_s)
    readers = {".npz": read_npz, ".csv": read_csv}
    if path.suffix.lower() not in readers:
        raise TraceError(
            f"{name}: cannot tell what it is; expected {', '.join(readers)}, {SUFFIX}, or a folder of {SUFFIX}"
        )
    return readers[path.suffix.lower()](path, unit, interval_s)
