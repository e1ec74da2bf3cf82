"""Networks that are made up: ordinary ones, for tests and for evidence that a rule is not fitted to one trace.

`synthetic:lan?nodes=20&slices=600&seed=1&interval=10` is a data centre: racks of ten nodes, .1 to .5 ms, log-normal
jitter, nodes whose link is congested for a while, rare losses, gaps, and routes that move to another level.
"""

from dataclasses import dataclass, fields
from typing import Any, Final
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray

from neilats.traces.trace import MOST_BYTES, Trace, TraceError, as_rtt

__all__ = ["PREFIX", "Lan", "synthetic"]

PREFIX: Final = "synthetic:"
RACK: Final = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lan:
    """What a data centre is made of; every field can be given in the name of the trace."""

    nodes: int = 20
    slices: int = 600
    seed: int = 1
    interval: float = 10.0
    """Seconds between slices."""
    jitter: float = 0.12
    """Standard deviation of the logarithm of a sample over its level."""
    noisy: float = 0.15
    """Share of the time in which a node's link is congested."""
    episode: float = 60.0
    """Mean length of a congestion, in slices."""
    loss: float = 0.001
    unmeasured: float = 0.005
    shifts: float = 2.0
    """Level shifts of a path in the whole trace, on average; some are a whole node's."""


def synthetic(name: str) -> Trace:
    """The network of a name such as `synthetic:lan?seed=1`; the same name makes the same trace. Raises TraceError."""
    kind, _, query = name.removeprefix(PREFIX).partition("?")
    if kind != "lan":
        raise TraceError(f"{name}: no synthetic network {kind!r}; there is {PREFIX}lan")
    return lan(_parsed(name, query))


def _parsed(name: str, query: str) -> Lan:
    known: dict[str, type[int] | type[float]] = {f.name: int if f.type is int else float for f in fields(Lan)}
    given: dict[str, Any] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in known:
            raise TraceError(f"{name}: no option {key!r}; there are {', '.join(known)}")
        try:
            given[key] = known[key](value)
        except ValueError:
            raise TraceError(f"{name}: {key}={value!r}; expected a number such as {getattr(Lan, key):g}") from None
    plan = Lan(**given)
    _check(name, plan)
    return plan


def _check(name: str, plan: Lan) -> None:
    shares = {k: getattr(plan, k) for k in ("noisy", "loss", "unmeasured")}
    if wrong := [f"{k}={v:g}" for k, v in shares.items() if not 0 <= v < 1]:
        raise TraceError(f"{name}: {', '.join(wrong)}; expected a share from 0 to below 1")
    amounts = {k: getattr(plan, k) for k in ("jitter", "shifts")}
    if wrong := [f"{k}={v:g}" for k, v in amounts.items() if not 0 <= v < 1e3]:
        raise TraceError(f"{name}: {', '.join(wrong)}; expected a number from 0 to below 1000")
    if plan.nodes < 2 or plan.slices < 1 or plan.seed < 0 or not plan.episode >= 1 or not 0 < plan.interval < np.inf:
        raise TraceError(f"{name}: needs nodes >= 2, slices >= 1, seed >= 0, episode >= 1 and interval > 0")
    if 4 * plan.slices * plan.nodes**2 > MOST_BYTES:
        raise TraceError(f"{name}: {plan.slices} slices of {plan.nodes} nodes do not fit in memory")


def lan(plan: Lan) -> Trace:
    """A data centre's trace."""
    rng = np.random.default_rng(plan.seed)
    shape = (plan.slices, plan.nodes, plan.nodes)
    level = _base(rng, plan.nodes) + _shifts(rng, plan)
    rtt_ms = level * np.exp(plan.jitter * rng.standard_normal(shape))
    busy = _episodes(rng, plan)
    either = busy[:, :, None] | busy[:, None, :]
    hit = either & (rng.random(shape) < 0.4)
    rtt_ms += np.where(hit, rng.exponential(0.5, shape), 0.0)
    lost = rng.random(shape) < np.where(either, 10 * plan.loss, plan.loss)
    rtt_ms[lost] = np.inf
    rtt_ms[rng.random(shape) < plan.unmeasured] = np.nan
    width = len(str(plan.nodes - 1))
    names = tuple(f"node-{i:0{width}}" for i in range(plan.nodes))
    return Trace(as_rtt(np.round(rtt_ms, 4)), plan.interval, names)


def _base(rng: np.random.Generator, nodes: int) -> Floats:
    """[N, N]: .1 to .2 ms within a rack, .25 to .45 between racks; nearly alike in both directions."""
    rack = np.arange(nodes) // RACK
    count = int(rack.max()) + 1
    between = rng.uniform(0.25, 0.4, (count, count))
    between = (between + between.T) / 2
    base: Floats = np.where(rack[:, None] == rack, 0.1, between[rack[:, None], rack])
    own = rng.uniform(0.0, 0.05, nodes)
    return base + own[:, None] + own + rng.uniform(0.0, 0.005, (nodes, nodes))


def _shifts(rng: np.random.Generator, plan: Lan) -> Floats:
    """[T, N, N]: paths, and some whole nodes, that move to another level and stay there for a while."""
    extra = np.zeros((plan.slices, plan.nodes, plan.nodes))
    for _ in range(rng.poisson(plan.shifts * plan.nodes * (plan.nodes - 1) / 2)):
        i, j = rng.choice(plan.nodes, 2, replace=False)
        part = extra[_span(rng, plan.slices), :, :]
        step = rng.uniform(0.05, 0.3)
        part[:, i, j] += step
        part[:, j, i] += step
    for _ in range(rng.poisson(plan.shifts * plan.nodes / 4)):
        node = int(rng.integers(plan.nodes))
        part = extra[_span(rng, plan.slices), :, :]
        step = rng.uniform(0.1, 0.4)
        part[:, node, :] += step
        part[:, :, node] += step
    return extra


def _span(rng: np.random.Generator, slices: int) -> slice:
    start = int(rng.integers(slices))
    return slice(start, start + 1 + int(rng.exponential(slices / 5)))


def _episodes(rng: np.random.Generator, plan: Lan) -> NDArray[np.bool_]:
    """[T, N]: when each node's link is congested: a two-state chain with the wanted share and mean length."""
    end = 1 / plan.episode
    begin = min(end * plan.noisy / (1 - plan.noisy), 1.0)
    busy = np.empty((plan.slices, plan.nodes), dtype=bool)
    state = rng.random(plan.nodes) < plan.noisy
    for t in range(plan.slices):
        dice = rng.random(plan.nodes)
        state = np.where(state, dice >= end, dice < begin)
        busy[t] = state
    return busy
