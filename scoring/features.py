"""What a violation forecast looks at: one row of numbers for a path and an SLA, and the window as a short sequence.

Everything is relative to the SLA (shares above it, log ratios to it), so that one network serves a LAN and the open
internet. Nothing here asks how long a reading has been the same: on a trace that repeats its readings that would be
an excellent feature, and worthless everywhere else. NaN means that nothing is known; networks learn what then stands
in.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import Bools, Floats
from scoring.context import Context
from scoring.decay import slot_weights
from scoring.memory import HALF_LIVES_S, violation
from scoring.noise import CURVE_SLOTS, Margins
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
    sla_ms = float(sla_ms)
    context = paths.context or Context.unknown(len(paths.windows), paths.windows.shape[1])
    there = _Window.of(paths.windows, sla_ms)
    back = _Window.of(context.reverse, sla_ms)
    columns: list[NDArray[np.floating]] = [
        there.decayed(),
        *(there.around(factor) for factor in _FACTORS),
        there.segments(),
        there.ratios(),
        there.crossings()[:, None],
        _memory(paths, sla_ms),
        back.decayed(),
        back.ratios(),
        *_noise(context, there, back),
    ]
    sequence = np.zeros((len(paths.windows), SEQUENCE_SLOTS, len(CHANNELS)), np.float32)
    there.fill(sequence[:, :, :2])
    back.fill(sequence[:, :, 2:])
    return Inputs(sequence, np.concatenate(columns, axis=1, dtype=np.float32, casting="same_kind"))


@lru_cache(maxsize=8)
def _weights(width: int) -> Singles:
    """Return ``[width, k]``: what a slot weighs in each decayed share, in each segment, and (1) in the count."""
    back = np.arange(width, 0, -1) - 1
    decayed = [slot_weights(width, h) for h in _HALF_LIVES]
    segments = [(a <= back) & (back < b) for a, b in _SEGMENTS]
    weights = np.stack([*decayed, *segments, np.ones(width)], axis=1).astype(np.float32)
    weights.flags.writeable = False
    return weights


_DECAYED, _SEGMENTED = slice(0, len(_HALF_LIVES)), slice(len(_HALF_LIVES), -1)
_AROUND: Final = [_HALF_LIVES.index(5.0), _HALF_LIVES.index(80.0)]
"""The decayed shares of the multiples of the SLA."""


@dataclass(frozen=True)
class _Window:
    """Windows under one SLA; arrays are ``[n, w]``, in single precision."""

    rtt_ms: Singles
    sla_ms: float
    measured: Bools
    above: Bools
    """Above the SLA."""
    weights: Singles
    """``[w, k]``, of `_weights`."""

    @classmethod
    def of(cls, windows: Floats, sla_ms: float) -> "_Window":
        rtt = windows.astype(np.float32)
        return cls(rtt, sla_ms, ~np.isnan(rtt), rtt > np.float32(sla_ms), _weights(rtt.shape[1]))

    @cached_property
    def ordered(self) -> Singles:
        """``[n, w]``: each row ascending, losses behind the numbers, gaps behind the losses."""
        return np.sort(self.rtt_ms, axis=1)

    @cached_property
    def measured_weight(self) -> Singles:
        """``[n, k]``: what the measured slots weigh together."""
        return self.measured.astype(np.float32) @ self.weights

    @cached_property
    def above_weight(self) -> Singles:
        """``[n, k]``: what the slots above the SLA weigh together."""
        return self.above.astype(np.float32) @ self.weights

    @cached_property
    def count(self) -> Singles:
        """``[n]``: measured slots."""
        return self.measured_weight[:, -1]

    def decayed(self) -> Singles:
        """Return ``[n, half-lives]``: decayed shares above the SLA; NaN without a sample."""
        return self._share(self.above_weight[:, _DECAYED], self.measured_weight[:, _DECAYED])

    def around(self, factor: float) -> Singles:
        """Return ``[n, 2]``: decayed shares above a multiple of the SLA."""
        above = (self.rtt_ms > np.float32(self.sla_ms * factor)).astype(np.float32)
        return self._share(above @ self.weights[:, _AROUND], self.measured_weight[:, _AROUND])

    def segments(self) -> Singles:
        """Return ``[n, segments]``: shares above the SLA in parts of the past."""
        return self._share(self.above_weight[:, _SEGMENTED], self.measured_weight[:, _SEGMENTED])

    def _share(self, above: Singles, count: Singles) -> Singles:
        share: Singles = (above + np.float32(_PRIOR / 2)) / (count + np.float32(_PRIOR))
        share[self.count == 0] = np.nan
        return share

    def ratios(self) -> Singles:
        """Return ``[n, 2 + levels]``: log SLA over the last sample and over each quantile, and the coverage."""
        width = self.rtt_ms.shape[1]
        found = np.empty((len(self.rtt_ms), 2 + len(_LEVELS)), np.float32)
        newest = width - 1 - np.argmax(self.measured[:, ::-1], axis=1)
        found[:, 0] = self.rtt_ms[np.arange(len(self.rtt_ms)), newest]
        found[:, 1:-1] = self.quantiles
        found[:, :-1] = self.log_ratio(found[:, :-1])
        found[:, -1] = self.count / np.float32(width)
        return found

    @cached_property
    def quantiles(self) -> Singles:
        """``[n, levels]``: the samples of these ranks, losses counting as +inf; NaN without a sample."""
        last = np.maximum(self.count.astype(np.float64) - 1, 0)
        rank = np.rint(last[:, None] * np.array(_LEVELS)).astype(np.intp)
        return np.take_along_axis(self.ordered, rank, axis=1)

    def quantile(self, level: float) -> Floats:
        """Return ``[n]``: one of the quantiles."""
        return self.quantiles[:, _LEVELS.index(level)].astype(np.float64)

    def crossings(self) -> Singles:
        """Return ``[n]``: how often neighbouring slots lie on different sides of the SLA; NaN without a sample."""
        both = self.measured[:, 1:] & self.measured[:, :-1]
        changes = ((self.above[:, 1:] ^ self.above[:, :-1]) & both).astype(np.float32)
        changed = changes.sum(axis=1) / np.float32(max(changes.shape[1], 1))
        return np.where(self.count > 0, changed, np.float32(np.nan))

    def fill(self, sequence: Singles) -> None:
        """Write log(RTT / SLA) and the side of the SLA into zeros ``[n, SEQUENCE_SLOTS, 2]``, as far as slots go."""
        newest = slice(-SEQUENCE_SLOTS, None)
        rtt, measured, above = self.rtt_ms[:, newest], self.measured[:, newest], self.above[:, newest]
        into = sequence[:, SEQUENCE_SLOTS - rtt.shape[1] :]
        ratio = self.log_ratio(rtt)
        np.negative(ratio, out=into[:, :, 0], where=measured)
        np.subtract(above, ~above & measured, out=into[:, :, 1], dtype=np.float32)

    def log_ratio(self, rtt_ms: Singles) -> Singles:
        """Return log(SLA / RTT), cut at +-4."""
        ratio = np.log(np.maximum(rtt_ms, np.float32(_FLOOR_MS)))
        np.subtract(np.log(np.float32(self.sla_ms)), ratio, out=ratio)
        return np.clip(ratio, np.float32(-_CLIP), np.float32(_CLIP), out=ratio)


def _memory(paths: Paths, sla_ms: float) -> Floats:
    """Return ``[n, 4]``: the remembered shares above the SLA, and the logarithm of the hour's weight."""
    share, weight = violation(paths.memory, sla_ms)
    return np.column_stack([share, np.log1p(weight[:, 1])])


def _noise(context: Context, there: _Window, back: _Window) -> list[NDArray[np.floating]]:
    """Return how likely the nodes' noise exceeds what the SLA leaves above the paths' floors."""
    n, floor, back_floor = len(there.rtt_ms), there.quantile(0.1), back.quantile(0.1)
    levels = (floor, there.quantile(0.25), there.quantile(0.5), back_floor)
    margins = Margins.of(there.sla_ms - np.concatenate(levels))
    each = [margins.part(k * n, (k + 1) * n) for k in range(len(levels))]
    out40, in40 = ([_CURVE_NAMES.index(name)] for name in ("out40", "in40"))
    curves, candidate, everything = context.curves, context.candidate, range(len(_CURVE_NAMES))
    return [
        each[0].exceeded(curves, candidate, everything),
        each[0].exceeded(curves[[context.peer]], np.zeros(n, np.int64), everything),
        each[1].exceeded(curves, candidate, out40),
        each[2].exceeded(curves, candidate, out40),
        each[3].exceeded(curves, candidate, in40),
        there.log_ratio(np.fmin(floor, back_floor).astype(np.float32))[:, None],
    ]
