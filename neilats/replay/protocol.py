"""The question that a replay asks again and again, and what is right: draws of a time, a peer and candidates.

At slice t a pod wants to be near a peer. A rule sees only slices before t and picks one of n candidates. The SLA is a
quantile (.25) of the candidates' RTT to the peer in the 300 slices before t: what an operator would set. The cost of a
candidate is the fraction of the measured slices among t .. t+horizon-1 in which its RTT to the peer is above the SLA.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.windows import as_stored
from neilats.traces import Trace, TraceError

__all__ = ["PAST_SLICES", "Draw", "Protocol", "Skipped", "draws"]

PAST_SLICES: Final = 300
"""What the SLA is taken from."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Protocol:
    """The parameters of a replay."""

    start: int
    """First slice at which a pod may be placed."""
    end: int | None = None
    """No slice from this one on is used, not even for outcomes; None: the whole trace."""
    draws: int = 3000
    candidates: int = 20
    sla_quantile: float = 0.25
    sla_factor: float = 1.0
    """The SLA is so many times the quantile."""
    horizon: int = 30
    seed: int = 7
    fresh_only: bool = False
    mask: int | None = None
    """How many targets each node measures; None: all."""
    train_until: int | None = None
    """Slices from this one on were not seen in training."""

    def check(self, trace: Trace) -> None:
        """Raise TraceError where the question cannot be asked of this trace."""
        length, count = len(trace), len(trace.nodes)
        end = length if self.end is None else self.end
        if self.train_until is not None and self.start < self.train_until:
            raise TraceError(
                f"--start {self.start} lies before --train-until {self.train_until}: "
                f"models would be tested on what they learnt from; use --start {self.train_until} or later"
            )
        if end > length:
            raise TraceError(f"--end {end} is behind the trace's last slice; it has {length}")
        if count < 3:
            raise TraceError(f"{count} nodes leave no choice; expected at least 3, a peer and two candidates")
        if end - self.horizon < 2:
            raise TraceError(f"{end} slices are too few to see what comes of a choice in {self.horizon} (--horizon)")
        if not 1 <= self.start < end - self.horizon:
            raise TraceError(
                f"--start {self.start}: from slice 1 to {end - self.horizon - 1} a pod can be placed with something "
                f"before it and {self.horizon} slices (--horizon) after it; the trace ends at {end}"
            )
        if not 2 <= self.candidates < count:
            raise TraceError(f"--candidates {self.candidates}: {count} nodes allow 2 to {count - 1}, without the peer")


@dataclass(frozen=True)
class Draw:
    """One pod to place, and what would come of each choice."""

    t: int
    peer: int
    candidates: NDArray[np.intp]
    """[n] indexes of nodes."""
    sla_ms: float
    violation: Floats
    """[n] fraction of the measured slices above the SLA."""
    mean_rtt_ms: Floats
    """[n] mean over the slices in which the ping returned; NaN where none did."""
    above: NDArray[np.int8]
    """[horizon, n]: 1 above the SLA, 0 within it, -1 not measured."""


@dataclass
class Skipped:
    """Draws that nothing could be said about."""

    no_future: int = 0
    """A candidate is not measured in the horizon."""
    no_sla: int = 0
    """Nothing was measured before, or so much was lost that the SLA would be infinite."""


def draws(trace: Trace, protocol: Protocol, skipped: Skipped) -> list[Draw]:
    """The draws of a protocol on a trace, sorted by time; those that are skipped are counted.

    Random numbers are asked for in the order of the reference, `replay_baselines.py`, so that seed 7 draws the same.
    """
    rng = np.random.default_rng(protocol.seed)
    end, count = len(trace) if protocol.end is None else protocol.end, len(trace.nodes)
    rtt_ms = trace.rtt_ms[:end]
    found = []
    for _ in range(protocol.draws):
        t, peer = int(rng.integers(protocol.start, end - protocol.horizon)), int(rng.integers(count))
        others = np.delete(np.arange(count), peer)
        draw = _drawn(rtt_ms, protocol, t, peer, rng.choice(others, protocol.candidates, replace=False), skipped)
        if draw is not None:
            found.append(draw)
    return sorted(found, key=lambda draw: draw.t)


def _drawn(
    rtt_ms: NDArray[np.float32], protocol: Protocol, t: int, peer: int, chosen: NDArray[np.intp], skipped: Skipped
) -> Draw | None:
    past = rtt_ms[max(0, t - PAST_SLICES) : t, chosen, peer].astype(np.float64)
    future = rtt_ms[t : t + protocol.horizon, chosen, peer].astype(np.float64)
    sla_ms = as_stored(_quantile(past, protocol.sla_quantile) * protocol.sla_factor)
    measured = ~np.isnan(future)
    if not measured.any(axis=0).all():
        skipped.no_future += 1
        return None
    if not np.isfinite(sla_ms):
        skipped.no_sla += 1
        return None
    returned = np.isfinite(future)
    total = np.where(returned, future, 0.0).sum(axis=0)
    return Draw(
        t,
        peer,
        chosen,
        sla_ms,
        violation=(future > sla_ms).sum(axis=0) / measured.sum(axis=0),
        mean_rtt_ms=np.where(returned.any(axis=0), total / np.maximum(returned.sum(axis=0), 1), np.nan),
        above=np.where(measured, future > sla_ms, -1).astype(np.int8),
    )


def _quantile(values: Floats, level: float) -> float:
    """The quantile of what was measured, losses being infinite: +inf if one has its part in it, NaN if nothing was."""
    measured = values[~np.isnan(values)]
    if not measured.size:
        return np.nan
    if np.isfinite(measured).all():
        return float(np.quantile(measured, level))
    ordered, place = np.sort(measured), level * (measured.size - 1)
    low, high = ordered[int(place)], ordered[int(np.ceil(place))]
    return float(low) if low == high else float(low + (high - low) * (place - int(place)))
