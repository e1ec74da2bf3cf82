"""Traces as NumPy archives: what the shared Seattle trace is, and what any trace can be written to.

`rtt_ms` is [slice, source, target] in ms, -1 where nothing was measured (in a float array NaN as well; +inf is a lost
ping); `interval_s` the seconds between slices; `nodes` the names, if there are any.
"""

import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neilats.traces.gaps import gap_warnings
from neilats.traces.trace import MOST_BYTES, Trace, TraceError, as_rtt
from neilats.traces.units import in_ms

__all__ = ["read_npz", "write_npz"]


def read_npz(path: Path, unit: str | None = None, interval_s: float | None = None) -> Trace:
    """The trace in an archive; `interval_s` replaces the archive's own. Raises TraceError."""
    arrays = _load(path)
    if "rtt_ms" not in arrays:
        raise TraceError(f"{path}: no array `rtt_ms`; it holds {', '.join(sorted(arrays)) or 'nothing'}")
    values = _square(arrays["rtt_ms"], f"{path}, rtt_ms")
    nodes = _names(arrays.get("nodes"), values.shape[1], f"{path}, nodes")
    if interval_s is None:
        interval_s = _interval(arrays.get("interval_s"), f"{path}, interval_s")
    rtt_ms = as_rtt(in_ms(values, unit, f"{path}, rtt_ms"))
    return Trace(rtt_ms, interval_s, nodes, gap_warnings(rtt_ms, interval_s))


def write_npz(trace: Trace, path: Path) -> None:
    """Write a trace so that `read_npz` gives it back."""
    np.savez_compressed(path, rtt_ms=trace.rtt_ms, interval_s=trace.interval_s, nodes=np.array(trace.nodes))


def _load(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise TraceError(f"{path}: a single array; expected an .npz archive with `rtt_ms` and `interval_s`")
            with archive:
                return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise TraceError(f"{path}: no such file") from None
    except TraceError:
        raise
    except ValueError as e:  # NumPy advises to trust the file, which is no advice
        raise TraceError(f"{path}: no whole .npz archive of plain arrays; expected what numpy.savez writes") from e
    except (OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError) as e:
        raise TraceError(f"{path}: cannot be read as an .npz archive ({e}); is it truncated?") from e


def _square(raw: NDArray[np.generic], where: str) -> NDArray[np.float64]:
    if raw.dtype.kind not in "iuf":
        raise TraceError(f"{where}: values of type {raw.dtype}; expected numbers")
    if raw.ndim != 3 or raw.shape[1] != raw.shape[2]:
        raise TraceError(f"{where}: shape {list(raw.shape)}; expected [slices, nodes, nodes]")
    if raw.shape[0] < 1 or raw.shape[1] < 2:
        raise TraceError(f"{where}: shape {list(raw.shape)}; expected at least one slice and two nodes")
    if 4 * raw.size > MOST_BYTES:
        raise TraceError(f"{where}: {raw.size} values are more than fit in memory; cut the trace")
    values = raw.astype(np.float64)
    each = np.arange(raw.shape[1])
    values[values == -1] = np.nan
    values[:, each, each] = np.nan
    return values


def _interval(raw: NDArray[np.generic] | None, where: str) -> float:
    if raw is None:
        raise TraceError(f"{where}: missing; say how many seconds lie between slices with --interval")
    if raw.size != 1 or raw.dtype.kind not in "iuf":
        raise TraceError(f"{where}: {raw.dtype} of shape {list(raw.shape)}; expected one number")
    value = float(raw.astype(np.float64).reshape(()))
    if not 0 < value < np.inf:
        raise TraceError(f"{where}: {value:g}; expected seconds above 0")
    return value


def _names(raw: NDArray[np.generic] | None, count: int, where: str) -> tuple[str, ...]:
    if raw is None:
        width = len(str(count - 1))
        return tuple(f"node-{i:0{width}}" for i in range(count))
    names = tuple(str(n) for n in raw.ravel())
    if len(names) != count or len(set(names)) != count:
        raise TraceError(f"{where}: {len(set(names))} different names for {count} nodes")
    return names
