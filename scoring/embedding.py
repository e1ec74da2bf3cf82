"""From measured paths to coordinates that can be asked: pairs, a fit that goes on from the last one, and its spread."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import Bools, Floats, Ints
from scoring.coordinates import Coordinates, Pairs, State, advance, begin, place
from scoring.spread import USELESS_SIGMA, Spread, calibrated

__all__ = ["Embedding", "embed", "pairs_of"]

_HELD_PART: Final = 8
"""One of so many pairs is kept out of the fit, to learn how wrong estimates are."""

_COLD_STEPS, _WARM_STEPS = 80, 30
"""Steps of one fit: until a fit has made `_SETTLED` of them, and from then on."""

_SETTLED: Final = 300
_OTHER_SCALE: Final = 3.0
"""Times by which the usual round trip may have changed before a fit begins anew: steps and heights are parts of it."""

_PIECE: Final = 5
"""Steps of one piece of work: about 20 ms."""


Numbers: TypeAlias = NDArray[np.integer[Any]]
Times: TypeAlias = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Embedding:
    """What a fit came to; nodes are numbered as by the caller, and may be more than those that were measured."""

    state: State
    coordinates: Coordinates
    spread: Spread | None
    placed: Bools
    """``[n]``: whether a node was measured at all."""
    usable: Bools
    """``[n]``: whether it was measured with enough others."""
    component: Ints
    """``[n]``: equal for nodes that measured pairs link, over whatever others: only their distance is known at all."""
    held_error: float
    """The median of abs(estimated - measured) / measured over the held-out pairs; NaN without any."""

    def estimate(self, a: int, b: Ints) -> tuple[Floats, Floats]:
        """Return ``[m]`` medians in ms from one node to others, and standard deviations of their logarithms.

        NaN where either node has too few neighbours, no chain of measured pairs links them, the spread says nothing, or
        it is the same node. Numbers that the fit does not know are negative or too large.
        """
        rtt_ms, sigma_log = np.full(len(b), np.nan), np.full(len(b), np.nan)
        nodes = len(self.usable)
        if self.spread is None or not 0 <= a < nodes or not self.usable[a]:
            return rtt_ms, sigma_log
        inside = np.clip(b, 0, nodes - 1)
        linked = self.usable[inside] & (self.component[inside] == self.component[a])
        some = np.flatnonzero((b == inside) & linked & (b != a))
        one, others = np.array([a]), b[some]
        rtt = self.coordinates.rtt_ms(one, others)
        sigma = self.spread.sigma_log(one, others, rtt)
        useful = sigma <= USELESS_SIGMA
        rtt_ms[some[useful]], sigma_log[some[useful]] = rtt[useful], sigma[useful]
        return rtt_ms, sigma_log


def pairs_of(source: Numbers, target: Numbers, rtt_ms: Times, reading_ms: Times | None = None) -> Pairs:
    """Return the unordered pairs of measured paths, each with the geometric mean of what its directions say.

    Paths without a positive, finite round trip are left out.

    Args:
        source: ``[p]`` nodes.
        target: ``[p]`` nodes.
        rtt_ms: ``[p]``: what is usual on each path.
        reading_ms: ``[p]``: a single reading of each, of which a pair gets one direction's; the usual one if None.
    """
    reading_ms = rtt_ms if reading_ms is None else reading_ms
    good = np.isfinite(rtt_ms) & (rtt_ms > 0) & (source != target) & np.isfinite(reading_ms) & (reading_ms > 0)
    where = np.flatnonzero(good)
    if not where.size:
        return Pairs(where, where, np.zeros(0), np.zeros(0))
    source, target = source[where], target[where]
    key = (np.minimum(source, target).astype(np.int64) << 32) + np.maximum(source, target)
    order = np.argsort(key, kind="stable")
    key, where = key[order], where[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    log_ms = np.log(rtt_ms[where].astype(np.float64))
    mean_ms = np.exp(np.add.reduceat(log_ms, first) / np.diff(first, append=len(key)))
    return Pairs(key[first] >> 32, key[first] & 0xFFFFFFFF, mean_ms, reading_ms[where[first]].astype(np.float64))


def embed(last: State | None, pairs: Pairs, new: Bools, needed: int) -> Iterator[Embedding | None]:
    """Fit once more from where the last fit ended: yields None after each piece of work, and the result at the end.

    Args:
        last: of as many nodes or less.
        new: ``[n]``: those that have no place yet; without a last fit all have none.
        needed: measured pairs that a node needs for its estimates to count.
    """
    nodes = len(new)
    held = _held(pairs, nodes, needed)
    fitted, kept_out = pairs.take(~held), pairs.take(held)
    degree = fitted.degrees(nodes)
    usual_ms = _usual_ms(pairs)
    if last is not None and not 1 / _OTHER_SCALE < last.scale_ms / usual_ms < _OTHER_SCALE:
        last = None
    state = _begun(last, pairs, nodes)
    if last is not None and (placing := new & (degree > 0)).any():
        state = place(state, fitted, placing, _random(state.steps))
        yield None
        state = state.heated() if placing.sum() > nodes / 2 else state
    steps = _COLD_STEPS if state.steps < _SETTLED else _WARM_STEPS
    for _ in range(0, steps, _PIECE):
        state = advance(state, fitted, _PIECE)
        yield None
    coordinates = state.coordinates
    error = np.abs(coordinates.rtt_ms(kept_out.a, kept_out.b) / kept_out.rtt_ms - 1.0)
    yield Embedding(
        state=state,
        coordinates=coordinates,
        spread=calibrated(coordinates, fitted, kept_out),
        placed=degree > 0,
        usable=degree >= needed,
        component=_components(fitted, nodes),
        held_error=float(np.median(error)) if len(error) else np.nan,
    )


def _begun(last: State | None, pairs: Pairs, nodes: int) -> State:
    """Return the last state with room for all nodes, or a new one."""
    if last is None:
        return begin(nodes, _usual_ms(pairs), _random(0))
    more = begin(max(nodes - len(last.parameters), 0), last.scale_ms, _random(nodes))
    return replace(
        last,
        parameters=np.concatenate([last.parameters, more.parameters]),
        first=np.concatenate([last.first, more.first]),
        second=np.concatenate([last.second, more.second]),
    )


def _usual_ms(pairs: Pairs) -> float:
    return float(np.median(pairs.rtt_ms)) if len(pairs.a) else 1.0


def _components(pairs: Pairs, nodes: int) -> Ints:
    """Return ``[n]``: the smallest node that each one is linked with by measured pairs, over whatever others.

    Each takes the smallest label of its neighbours and then that one's own, until nothing changes (Shiloach and
    Vishkin's hooking and jumping, 1982): few rounds even along a chain.
    """
    label = np.arange(nodes)
    while True:
        low = np.minimum(label[pairs.a], label[pairs.b])
        after = label.copy()
        for ends in (pairs.a, pairs.b):
            np.minimum.at(after, label[ends], low)
            np.minimum.at(after, ends, low)
        after = after[after]
        if np.array_equal(after, label):
            return label
        label = after


def _held(pairs: Pairs, nodes: int, needed: int) -> Bools:
    """Return ``[m]``: the pairs to keep out, always the same ones, of nodes that have twice the pairs they need."""
    degree = pairs.degrees(nodes)
    spare = np.minimum(degree[pairs.a], degree[pairs.b]) >= 2 * needed
    mixed = (pairs.a * 0x9E3779B1 + pairs.b * 0x85EBCA6B) >> 7
    chosen: Bools = spare & (mixed % _HELD_PART == 0)
    return chosen


def _random(seed: int) -> np.random.Generator:
    return np.random.default_rng((0, seed))
