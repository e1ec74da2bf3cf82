"""What a violation forecast looks at: one row of numbers for a path and an SLA, and the window as a short sequence.

Everything is relative to the SLA (shares above it, log ratios to it), so that one network serves a LAN and the open
internet. Nothing here asks how long a reading has been the same: on a trace that repeats its readings that would be
an excellent feature, and worthless everywhere else. NaN means that nothing is known; networks learn what then stands
in.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import Floats
from scoring.context import Context
from scoring.decay import slot_weights
from scoring.memory import HALF_LIVES_S, violation
from scoring.noise import CURVE_SLOTS, exceed_at
from scoring.paths import Paths

__all__ = ["CHANNELS", "NAMES", "SEQUENCE_SLOTS", "Inputs", "inputs"]

Singles = NDArray[np.float32]

SEQUENCE_SLOTS: Final = 30
"""Slots of the sequence: the newest of the window."""

CHANNELS: Final = ("log_ratio", "above", "reverse_log_ratio", "reverse_above")
"""Of the sequence: log(RTT / SLA) and +1 above or -1 within it, both ways; 0 where nothing was measured."""

_HALF_LIVES: Final = (1.0, 2.0, 5.0, 12.0, 30.0, 80.0)
"""Slots; of the decayed shares above the SLA."""

_FACTORS: Final = (0.6, 0.8, 1.25, 1.6)
"""Multiples of the SLA whose shares tell how RTT is spread around it."""

_SEGMENTS: Final = ((1, 3), (3, 8), (8, 20), (20, 40), (40, 64))
"""Slots back from the newest: shares of the parts of the past, undecayed."""

_LEVELS: Final = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Of the quantiles whose distance to the SLA counts."""

_PRIOR: Final = 0.3
"""Slots of half violation that a share starts with: few samples are not certain."""

_CLIP: Final = 4.0
"""Log ratios are cut here: beyond a factor of 55 more makes no difference."""

_FLOOR_MS: Final = 1e-3

_CURVE_NAMES: Final = tuple(f"{way}{slots}" for way in ("out", "in") for slots in CURVE_SLOTS)

NAMES: Final[tuple[str, ...]] = (
    *(f"above_{h:g}" for h in _HALF_LIVES),
    *(f"above_{f:g}x_{h:g}" for f in _FACTORS for h in (5.0, 80.0)),
    *(f"above_{a}_to_{b}" for a, b in _SEGMENTS),
    "last_ratio",
    *(f"ratio_{p:g}" for p in _LEVELS),
    "coverage",
    "crossings",
    *(f"memory_{h / 60:g}min" for h in HALF_LIVES_S),
    "memory_weight",
    *(f"reverse_above_{h:g}" for h in _HALF_LIVES),
    "reverse_last_ratio",
    *(f"reverse_ratio_{p:g}" for p in _LEVELS),
    "reverse_coverage",
    *(f"candidate_{c}" for c in _CURVE_NAMES),
    *(f"peer_{c}" for c in _CURVE_NAMES),
    *(f"candidate_{_CURVE_NAMES[2]}_over_{p:g}" for p in (0.25, 0.5)),
    "reverse_candidate_in40",
    "lower_floor_ratio",
)
"""The features, in the order of their columns. A network states the names that it learnt; they must be these."""


@dataclass(frozen=True)
class Inputs:
    """What a violation network is fed with."""

    sequence: Singles
    """``[n, SEQUENCE_SLOTS, len(CHANNELS)]``."""
    features: Singles
    """``[n, len(NAMES)]``; NaN where unknown."""


def inputs(paths: Paths, sla_ms: float) -> Inputs:
    """Return the network's inputs for n paths under one SLA (ms, above 0)."""
    context = paths.context or Context.unknown(len(paths.windows), paths.windows.shape[1])
    there = _Window.of(paths.windows, sla_ms)
    back = _Window.of(context.reverse, sla_ms)
    columns: list[NDArray[np.floating]] = [
        there.decayed(_HALF_LIVES),
        *(there.under(sla_ms * f).decayed((5.0, 80.0)) for f in _FACTORS),
        there.segments(),
        there.ratios(),
        there.crossings()[:, None],
        _memory(paths, sla_ms),
        back.decayed(_HALF_LIVES),
        back.ratios(),
        *_noise(context, there, back),
    ]
    sequence = np.concatenate([there.sequence(), back.sequence()], axis=2)
    return Inputs(sequence, np.concatenate(columns, axis=1).astype(np.float32))


@dataclass(frozen=True)
class _Window:
    """Windows under one SLA; arrays are ``[n, w]`` in single precision."""

    rtt_ms: Singles
    measured: Singles
    above: Singles
    sla_ms: float

    @classmethod
    def of(cls, windows: Floats, sla_ms: float) -> "_Window":
        rtt = windows.astype(np.float32)
        measured = ~np.isnan(rtt)
        return cls(rtt, measured.astype(np.float32), (rtt > np.float32(sla_ms)).astype(np.float32), sla_ms)

    def under(self, sla_ms: float) -> "_Window":
        """Return the same windows under another SLA."""
        return _Window(self.rtt_ms, self.measured, (self.rtt_ms > sla_ms).astype(np.float32), sla_ms)

    @cached_property
    def ordered(self) -> Singles:
        """``[n, w]``: each row ascending, losses behind the numbers, gaps behind the losses."""
        return np.sort(self.rtt_ms, axis=1)

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """``[n]``: measured slots."""
        count: NDArray[np.int64] = self.measured.sum(axis=1).astype(np.int64)
        return count

    def decayed(self, half_lives: tuple[float, ...]) -> Singles:
        """Return ``[n, k]``: decayed shares above the SLA; NaN without a sample."""
        weights = np.stack([slot_weights(self.rtt_ms.shape[1], h) for h in half_lives], axis=1).astype(np.float32)
        return self._share(self.above @ weights, self.measured @ weights)

    def segments(self) -> Singles:
        """Return ``[n, k]``: shares above the SLA in parts of the past."""
        width = self.rtt_ms.shape[1]
        ends = [(max(width - b, 0), max(width - a, 0)) for a, b in _SEGMENTS]
        above = np.stack([self.above[:, a:b].sum(axis=1) for a, b in ends], axis=1)
        count = np.stack([self.measured[:, a:b].sum(axis=1) for a, b in ends], axis=1)
        return self._share(above, count)

    def _share(self, above: Singles, count: Singles) -> Singles:
        return np.where((self.count > 0)[:, None], (above + _PRIOR / 2) / (count + _PRIOR), np.nan).astype(np.float32)

    def ratios(self) -> Floats:
        """Return ``[n, 2 + levels]``: log SLA over the last sample and over each quantile, and the coverage."""
        width = self.rtt_ms.shape[1]
        newest = width - 1 - np.argmax(self.measured[:, ::-1], axis=1)
        picked = [self.rtt_ms[np.arange(len(self.rtt_ms)), newest], *(self.quantile(p) for p in _LEVELS)]
        return np.column_stack([self.log_ratio(np.stack(picked, axis=1)), self.count / width])

    def quantile(self, level: float) -> Floats:
        """Return ``[n]``: the sample of this rank, losses counting as +inf; NaN without a sample."""
        rank = np.rint(level * np.maximum(self.count - 1, 0)).astype(np.int64)
        return self.ordered[np.arange(len(rank)), rank].astype(np.float64)

    def crossings(self) -> Floats:
        """Return ``[n]``: how often neighbouring slots lie on different sides of the SLA; NaN without a sample."""
        both = self.measured[:, 1:] * self.measured[:, :-1]
        changes = (np.abs(np.diff(self.above, axis=1)) * both).mean(axis=1)
        return np.where(self.count > 0, changes, np.nan)

    def sequence(self) -> Singles:
        """Return ``[n, SEQUENCE_SLOTS, 2]``; a window that is shorter is padded with unmeasured slots."""
        rtt = self.rtt_ms[:, -SEQUENCE_SLOTS:]
        short = SEQUENCE_SLOTS - rtt.shape[1]
        known = ~np.isnan(rtt)
        ratio = np.where(known, -self.log_ratio(rtt), 0.0)
        above = np.where(known, np.where(rtt > self.sla_ms, 1.0, -1.0), 0.0)
        return np.pad(np.stack([ratio, above], axis=2), ((0, 0), (short, 0), (0, 0))).astype(np.float32)

    def log_ratio(self, rtt_ms: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return log(SLA / RTT), cut at +-4."""
        whole = np.log(np.float32(self.sla_ms)) - np.log(np.maximum(rtt_ms, np.float32(_FLOOR_MS)))
        ratio: NDArray[np.floating] = np.clip(whole, -_CLIP, _CLIP)
        return ratio


def _memory(paths: Paths, sla_ms: float) -> Floats:
    """Return ``[n, 4]``: the remembered shares above the SLA, and the logarithm of the hour's weight."""
    share, weight = violation(paths.memory, sla_ms)
    return np.column_stack([share, np.log1p(weight[:, 1])])


def _noise(context: Context, there: _Window, back: _Window) -> list[NDArray[np.floating]]:
    """Return how likely the nodes' noise exceeds what the SLA leaves above the paths' floors."""
    sla, n = there.sla_ms, len(there.rtt_ms)
    floor, back_floor = there.quantile(0.1), back.quantile(0.1)
    peer = np.full(n, context.peer)
    out40, in40 = (_CURVE_NAMES.index(name) for name in ("out40", "in40"))
    one = [exceed_at(context.curves[:, [out40]], context.candidate, sla - there.quantile(p)) for p in (0.25, 0.5)]
    lower = np.fmin(floor, back_floor)
    return [
        exceed_at(context.curves, context.candidate, sla - floor),
        exceed_at(context.curves, peer, sla - floor),
        *one,
        exceed_at(context.curves[:, [in40]], context.candidate, sla - back_floor),
        there.log_ratio(lower)[:, None],
    ]
