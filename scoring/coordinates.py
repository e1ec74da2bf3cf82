"""Network coordinates: every node gets a place, so that the round trip between two that never met can be estimated.

The round trip is the distance of the places plus a height of each node, for what its own access link adds: packets go
down from a height, across, and up again (Dabek, Cox, Kaashoek, Morris: Vivaldi, SIGCOMM 2004). Vivaldi lets each node
move by one sample at a time; here all measured pairs lie side by side, so their places are fitted together: the sum of

    huber(log estimated - log measured), for relative errors in which an outlier counts no more than linearly

is minimised by Adam (Kingma and Ba, ICLR 2015), which needs gradients alone, in batches, and goes on from where it was.
Logarithms let far and near pairs count alike; a weak pull to the middle (Ledlie, Gardner, Seltzer, NSDI 2007) keeps the
cloud from drifting, and one to the usual height decides what few samples cannot.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import Bools, Floats, Ints

__all__ = ["DIMENSIONS", "LEAST_MS", "Coordinates", "Pairs", "State", "advance", "begin", "place"]

DIMENSIONS: Final = 4
"""Of the places, beside the height. On made-up internets 4 are better than 2 or 3, and 8 no better than 4."""

LEAST_MS: Final = 1e-3
"""Shorter round trips are taken for this long: they have no logarithm, and no clock measures them."""

BATCH: Final = 40_000
"""Pairs of one step, which bounds its time and memory."""

_ROBUST: Final = 0.2
"""Log error above which a pair counts linearly: 22 %."""

_GRAVITY: Final = 0.3
"""Weight of a place's squared distance to the middle, in units of the scale, against one pair's squared log error."""

_USUAL_HEIGHT: Final = 0.01
"""Weight of the squared log ratio of a node's height to the usual one."""

_FASTEST, _SLOWEST, _COOLING_STEPS = 0.08, 0.01, 60.0
"""The step, as a part of the scale: the fastest / (1 + steps / 60), so that noise hardly moves old places."""

_FIRST_MOMENT, _SECOND_MOMENT = 0.9, 0.99

Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Pairs:
    """m measured pairs of nodes, each unordered pair once."""

    a: Ints
    """``[m]``: a node's number."""
    b: Ints
    """``[m]``: another one's."""
    rtt_ms: Floats
    """``[m]``: what is usual; above 0, finite."""
    reading_ms: Floats
    """``[m]``: one single reading, which has the path's jitter besides; above 0, finite."""

    def take(self, which: Bools | Ints) -> "Pairs":
        """Return some of the pairs."""
        return Pairs(self.a[which], self.b[which], self.rtt_ms[which], self.reading_ms[which])

    def degrees(self, nodes: int) -> Ints:
        """Return ``[n]``: how many others each node was measured with."""
        return (np.bincount(self.a, minlength=nodes) + np.bincount(self.b, minlength=nodes)).astype(np.int64)


@dataclass(frozen=True)
class Coordinates:
    """The places of n nodes."""

    position: Singles
    """``[n, DIMENSIONS]``, ms."""
    height_ms: Singles
    """``[n]``."""

    def rtt_ms(self, a: Ints, b: Ints) -> Floats:
        """Return the estimated round trip of each pair of nodes; numbers or arrays that broadcast."""
        apart = self.position[a] - self.position[b]
        flat = np.sqrt((apart * apart).sum(axis=-1))
        whole: Floats = (flat + self.height_ms[a] + self.height_ms[b]).astype(np.float64)
        return whole


@dataclass(frozen=True)
class State:
    """A fit that can go on: parameters are places, then the logarithm of the height, in units of the scale."""

    parameters: Singles
    """``[n, DIMENSIONS + 1]``."""
    first: Singles
    """``[n, DIMENSIONS + 1]``: Adam's decayed mean of the gradients."""
    second: Singles
    """``[n, DIMENSIONS + 1]``: that of their squares."""
    scale_ms: float
    """The usual round trip when the fit began."""
    steps: int = 0

    @property
    def coordinates(self) -> Coordinates:
        """The places as they are now."""
        return Coordinates(
            self.parameters[:, :-1] * np.float32(self.scale_ms),
            np.exp(self.parameters[:, -1]) * np.float32(self.scale_ms),
        )

    def heated(self) -> "State":
        """Return the same places with wide steps again: much has changed."""
        return replace(self, steps=0)


def begin(nodes: int, scale_ms: float, rng: np.random.Generator) -> State:
    """Return a fit of so many nodes near the middle, with small heights; the scale is the usual round trip."""
    parameters = (0.15 * rng.standard_normal((nodes, DIMENSIONS + 1))).astype(np.float32)
    parameters[:, -1] = _FIRST_HEIGHT
    nothing = np.zeros_like(parameters)
    return State(parameters, nothing, nothing, scale_ms)


_FIRST_HEIGHT: Final = -3.0
"""exp(-3) = 5 % of the usual round trip."""


def place(state: State, pairs: Pairs, new: Bools, rng: np.random.Generator, steps: int = 60) -> State:
    """Return the state with the new nodes ``[n]`` put where their samples want them; the others stay.

    Each begins beside the nearest old node that it was measured with, and then moves alone. One that was measured with
    no old node begins in the middle.
    """
    parameters = state.parameters.copy()
    usual = float(np.median(parameters[~new, -1])) if not new.all() else _FIRST_HEIGHT
    parameters[new] = 0.15 * rng.standard_normal((int(new.sum()), DIMENSIONS + 1))
    fresh = pairs.take(new[pairs.a] != new[pairs.b])
    guest, host = np.where(new[fresh.a], (fresh.a, fresh.b), (fresh.b, fresh.a))
    order = np.argsort(-fresh.rtt_ms, kind="stable")  # the nearest comes last, and stays
    beside = 0.3 * (fresh.rtt_ms[order] / state.scale_ms)[:, None] * rng.standard_normal((len(order), DIMENSIONS + 1))
    parameters[guest[order]] = state.parameters[host[order]] + beside
    parameters[new, -1] = usual
    blank = np.where(new[:, None], np.float32(0), 1)
    begun = replace(state, parameters=parameters, first=state.first * blank, second=state.second * blank, steps=0)
    moved = advance(begun, pairs.take(new[pairs.a] | new[pairs.b]), steps, moving=new)
    return replace(moved, steps=state.steps)


def advance(state: State, pairs: Pairs, steps: int, moving: Bools | None = None) -> State:
    """Return the fit some steps further; only nodes that are ``moving[n]`` change, all if None.

    The same state and pairs give the same result: batches are drawn by the number of steps that were made.
    """
    nodes, count = len(state.parameters), len(pairs.a)
    parameters, first, second = state.parameters.copy(), state.first.copy(), state.second.copy()
    still = None if moving is None else ~moving
    a, b, wanted = pairs.a, pairs.b, _log_part(pairs.rtt_ms[:BATCH], state.scale_ms)
    for step in range(state.steps, state.steps + steps if count else state.steps):
        if count > BATCH:
            drawn = np.random.default_rng(step).integers(0, count, BATCH)
            a, b, wanted = pairs.a[drawn], pairs.b[drawn], _log_part(pairs.rtt_ms[drawn], state.scale_ms)
        gradient = _gradient(parameters, a, b, wanted) * np.float32(count / len(a))
        gradient += _pull(parameters)
        if still is not None:
            gradient[still] = 0.0
        first += np.float32(1 - _FIRST_MOMENT) * (gradient - first)
        second += np.float32(1 - _SECOND_MOMENT) * (gradient * gradient - second)
        made = step + 1
        rate = max(_SLOWEST, _FASTEST / (1.0 + step / _COOLING_STEPS)) / (1.0 - _FIRST_MOMENT**made)
        move = np.float32(rate) * first / (np.sqrt(second / np.float32(1 - _SECOND_MOMENT**made)) + np.float32(1e-6))
        parameters -= move if still is None else np.where(still[:, None], np.float32(0), move)
    assert parameters.shape == (nodes, DIMENSIONS + 1)
    return replace(state, parameters=parameters, first=first, second=second, steps=state.steps + steps)


def _log_part(rtt_ms: Floats, scale_ms: float) -> Singles:
    return np.log(np.maximum(rtt_ms, LEAST_MS) / scale_ms).astype(np.float32)


def _gradient(parameters: Singles, a: Ints, b: Ints, wanted: Singles) -> Singles:
    """Return ``[n, DIMENSIONS + 1]``: that of the pairs' Huber losses of the log errors."""
    columns = np.ascontiguousarray(parameters.T)
    height = np.exp(columns[-1])
    apart = [column.take(a) - column.take(b) for column in columns[:-1]]
    flat = np.sqrt(sum((difference * difference for difference in apart), np.float32(1e-10)))
    high_a, high_b = height.take(a), height.take(b)
    whole = flat + high_a + high_b
    pull = np.clip(np.log(whole) - wanted, -_ROBUST, _ROBUST) / whole
    along = pull / flat
    nodes, gradient = len(parameters), np.empty(parameters.shape, np.float32)
    for k, difference in enumerate(apart):
        difference *= along
        gradient[:, k] = np.bincount(a, difference, nodes) - np.bincount(b, difference, nodes)
    gradient[:, -1] = np.bincount(a, pull * high_a, nodes) + np.bincount(b, pull * high_b, nodes)
    return gradient


def _pull(parameters: Singles) -> Singles:
    """Return ``[n, DIMENSIONS + 1]``: the gradient of gravity and of the pull to the usual height."""
    weak = np.float32(2 * _GRAVITY) * parameters
    weak[:, -1] = np.float32(2 * _USUAL_HEIGHT) * (parameters[:, -1] - np.median(parameters[:, -1]))
    return weak
