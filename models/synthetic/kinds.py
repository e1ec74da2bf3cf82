"""The kinds of series: autoregressive, level shifts, periodic, heavy-tailed, white noise."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import numpy as np

from models.synthetic.noise import Floats, levels, scales, shaped_noise, to_rtt

__all__ = ["KINDS", "Kind", "generate"]

Kind: TypeAlias = Literal["ar", "level_shift", "periodic", "heavy_tailed", "white_noise"]


def generate(kind: str, n: int, length: int, seed: int) -> Floats:
    """Return ``[n, length]``: round trips in ms, oldest first, every value finite and positive.

    Raises ValueError for a kind that does not exist, and for less than one series or slot.
    """
    if kind not in KINDS:
        raise ValueError(f"no kind of series {kind!r}; there are {', '.join(KINDS)}")
    if n < 1 or length < 1:
        raise ValueError(f"{n} series of {length} slots; expected at least one of each")
    return KINDS[kind](np.random.default_rng((seed, list(KINDS).index(kind))), n, length)


def white_noise(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Independent samples around a level: nothing can be forecast but the level."""
    return to_rtt(levels(rng, n), scales(rng, n) * shaped_noise(rng, n, length))


def ar(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Queues that fill and drain: AR(1) with coefficients of .5 to .99, a few with a negative one, plus jitter."""
    phi = rng.uniform(0.5, 0.99, n)
    phi = np.where(rng.random(n) < 0.1, -rng.uniform(0.2, 0.8, n), phi)
    state = rng.standard_normal((length, n))
    state[1:] *= np.sqrt(1.0 - phi**2)  # so that the variance is 1 from the first slot on
    for t in range(1, length):
        state[t] += phi * state[t - 1]
    jitter = rng.uniform(0.0, 0.5, (n, 1)) * shaped_noise(rng, n, length)
    return to_rtt(levels(rng, n), scales(rng, n) * (state.T + jitter))


def level_shift(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Routes that change: every 20 to 100 slots on average the level moves, by up to three times."""
    moves = rng.random((n, length)) < 1.0 / rng.uniform(20.0, 100.0, (n, 1))
    sizes = rng.uniform(0.1, 1.0, (n, 1)) * rng.standard_normal((n, length))
    span = np.clip(_held(moves, sizes), -np.log(3.0), np.log(3.0))
    jitter = scales(rng, n, 0.01, 0.15) * shaped_noise(rng, n, length)
    return to_rtt(levels(rng, n), np.exp(span) * (1.0 + jitter) - 1.0)


def _held(moves: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]", values: Floats) -> Floats:
    """Every slot's value is the one that was drawn at the latest move; the first slot is one."""
    slots = np.arange(moves.shape[1])
    latest = np.maximum.accumulate(np.where(moves, slots, 0), axis=1)
    return np.take_along_axis(values, latest, axis=1)


def periodic(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Jobs that come back: a wave, or a pulse of some slots, with a period of 5 to 60 slots."""
    period, phase = rng.uniform(5.0, 60.0, (n, 1)), rng.uniform(0.0, 1.0, (n, 1))
    turn = (np.arange(length) / period + phase) % 1.0
    wave = np.sqrt(2.0) * np.sin(2.0 * np.pi * turn)
    duty = rng.uniform(0.15, 0.5, (n, 1))
    pulse = ((turn < duty) - duty) / np.sqrt(duty * (1.0 - duty))
    shape = np.where(rng.random((n, 1)) < 0.7, wave, pulse)
    jitter = rng.uniform(0.1, 1.0, (n, 1)) * shaped_noise(rng, n, length)
    return to_rtt(levels(rng, n), scales(rng, n) * (shape + jitter))


def heavy_tailed(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Rare large delays: a floor with jitter, Pareto spikes, and spells of congestion in which most slots have one."""
    jitter = scales(rng, n, 0.01, 0.1) * np.abs(shaped_noise(rng, n, length))
    busy = _spells(rng, n, length)
    chance = np.where(busy, rng.uniform(0.3, 0.9, (n, 1)), rng.uniform(0.0, 0.15, (n, 1)))
    tail = rng.uniform(1.5, 3.0, (n, 1))
    excess = rng.uniform(0.1, 1.0, (n, 1)) * (rng.pareto(tail, (n, length)) + 0.2)
    return to_rtt(levels(rng, n), jitter + np.where(rng.random((n, length)) < chance, excess, 0.0))


def _spells(rng: np.random.Generator, n: int, length: int) -> "np.ndarray[tuple[int, int], np.dtype[np.bool_]]":
    """``[n, length]``: a state that is redrawn every 5 to 60 slots on average; a third of the rows has none."""
    redrawn = rng.random((n, length)) < 1.0 / rng.uniform(5.0, 60.0, (n, 1))
    share = np.where(rng.random((n, 1)) < 1 / 3, 0.0, rng.uniform(0.1, 0.6, (n, 1)))
    return _held(redrawn, rng.random((n, length))) < share


KINDS: Final[Mapping[str, Callable[[np.random.Generator, int, int], Floats]]] = MappingProxyType(
    {
        "ar": ar,
        "level_shift": level_shift,
        "periodic": periodic,
        "heavy_tailed": heavy_tailed,
        "white_noise": white_noise,
    }
)
