"""Estimates of what nobody measured: their error on a made-up internet and on the Seattle trace, and their cost.

The yardsticks are the median of all that was measured, and row x column (log RTT = mean + an effect of each node).
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.timing import Row, interleaved
from models.synthetic.internet import internet
from scoring.coordinates import Pairs
from scoring.embedding import Embedding, embed, pairs_of
from scoring.spread import within

__all__ = ["rows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TRACE: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "seattle" / "rtt_ms.npz"
"""Beside the repository; without it these rows are left out."""

NEEDED: Final = 6
"""Neighbours, the default of `estimate_neighbours`."""

FITS: Final = 5
"""As many intervals after the start."""

SLICES: Final = 64
ASKED: Final = 400_000
LEVELS: Final = (0.5, 0.8, 0.9)


@dataclass(frozen=True)
class _Case:
    """What was measured, and the truth about other pairs."""

    name: str
    nodes: int
    pairs: Pairs
    a: Ints
    b: Ints
    true_ms: Floats
    reading_ms: Floats
    """``[q]``: what single readings of these pairs say."""


def rows() -> Iterator[Row]:
    """Accuracy at 16 neighbours, calibration, accuracy on the trace, and what a fit of 5,000 nodes takes."""
    for nodes, neighbours, target in ((1000, 16, 0.20), (5000, 16, 0.20), (5000, 64, None)):
        yield from _judged(_internet(nodes, neighbours), target)
    if TRACE.exists():
        yield from _judged(_seattle(32), None)
    yield _cost(64)


def _judged(case: _Case, target: float | None) -> Iterator[Row]:
    """The error beside those of both simple rules, and how much the stated intervals hold."""
    found = _fitted(case)
    estimate = found.coordinates.rtt_ms(case.a, case.b)
    error = _error(estimate, case)
    for name, simple in (("global median", _median(case)), ("row x column", _row_by_column(case))):
        reached = target is None or error <= target
        told = "no target" if target is None else f"<= {target:g}"
        yield Row(f"median relative error, {case.name}", error, name, _error(simple, case), told, reached, "")
    if found.spread is None:
        return
    sigma = found.spread.sigma_log(case.a, case.b, estimate)
    off = np.abs(np.log(case.reading_ms / estimate))
    for level in LEVELS:
        held = float((off <= within(level) * sigma).mean())
        reached = abs(held - level) <= 0.07
        told = f"within .07 of it, spread {np.median(sigma):.2f}"
        yield Row(f"held by {level:.0%} intervals, {case.name}", held, "stated", level, told, reached, "")


def _fitted(case: _Case) -> Embedding:
    found: Embedding | None = None
    for _ in range(FITS):
        found = _next(case, found)
    assert found is not None
    return found


def _next(case: _Case, last: Embedding | None) -> Embedding:
    """One interval's fit, all its pieces at once."""
    new = np.full(case.nodes, last is None)
    *_, found = embed(None if last is None else last.state, case.pairs, new, NEEDED)
    assert found is not None
    return found


def _internet(nodes: int, neighbours: int) -> _Case:
    """Each node has so many neighbours on average, of which it asks half, and which answer the rest."""
    net, rng = internet(nodes, seed=1), np.random.default_rng(1)
    source = np.repeat(np.arange(nodes), neighbours // 2)
    target = (source + rng.integers(1, nodes, len(source))) % nodes
    both = np.concatenate([source, target]), np.concatenate([target, source])
    pairs = pairs_of(*both, net.measured_ms(*both))
    a, b = rng.integers(0, nodes, (2, ASKED))
    a, b = _unmeasured(nodes, pairs, a, b)
    reading = net.measured_ms(a, b)
    return _Case(
        f"internet of {nodes:,} nodes x {neighbours}",
        nodes,
        pairs,
        a,
        b,
        net.rtt_ms(a, b),
        np.where(np.isnan(reading), net.rtt_ms(a, b), reading),
    )


def _seattle(neighbours: int) -> _Case:
    """Medians of 64 slices, and the slice in which they end; zero and below mean unmeasured there."""
    rtt_ms = np.load(TRACE)["rtt_ms"][-SLICES:].astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # pairs that were never measured are NaN
        median: Floats = np.nanmedian(np.where(rtt_ms > 0, rtt_ms, np.nan), axis=0)
    last = np.where(rtt_ms[-1] > 0, rtt_ms[-1], np.nan)
    nodes, rng = len(median), np.random.default_rng(1)
    source = np.repeat(np.arange(nodes), neighbours // 2)
    target = (source + rng.integers(1, nodes, len(source))) % nodes
    both = np.concatenate([source, target]), np.concatenate([target, source])
    pairs, (a, b) = pairs_of(*both, median[both], last[both]), np.triu_indices(nodes, 1)
    true = np.exp((np.log(median) + np.log(median.T)) / 2)
    good = np.isfinite(true[a, b] + last[a, b])
    a, b = _unmeasured(nodes, pairs, a[good], b[good])
    return _Case(f"Seattle x {neighbours}", nodes, pairs, a, b, true[a, b], last[a, b])


def _unmeasured(nodes: int, pairs: Pairs, a: Ints, b: Ints) -> tuple[Ints, Ints]:
    known = np.isin(np.minimum(a, b) * nodes + np.maximum(a, b), pairs.a * nodes + pairs.b)
    return a[~known & (a != b)], b[~known & (a != b)]


def _median(case: _Case) -> Floats:
    return np.full(len(case.a), np.median(case.pairs.rtt_ms))


def _row_by_column(case: _Case) -> Floats:
    a, b, value = case.pairs.a, case.pairs.b, np.log(case.pairs.rtt_ms)
    effect, degree = np.zeros(case.nodes), case.pairs.degrees(case.nodes)
    for _ in range(60):
        left = value - value.mean() - effect[a] - effect[b]
        effect += 0.5 * (np.bincount(a, left, case.nodes) + np.bincount(b, left, case.nodes)) / (degree + 1)
    estimate: Floats = np.exp(value.mean() + effect[case.a] + effect[case.b])
    return estimate


def _error(estimate: Floats, case: _Case) -> float:
    return float(np.median(np.abs(estimate / case.true_ms - 1.0)))


def _cost(neighbours: int) -> Row:
    """One interval's fit of 5,000 nodes that go on from the last one; the yardstick sorts as many numbers ten times."""
    case = _internet(5000, 2 * neighbours)
    found, rng = _fitted(case), np.random.default_rng(0)
    numbers = rng.random(len(case.pairs.a))
    ours, theirs = interleaved(lambda: _next(case, found), lambda: [np.sort(numbers) for _ in range(10)], 5)
    return Row(f"one fit, 5,000 nodes x {neighbours} targets", ours, "np.sort x 10", theirs, "<= 1000 ms", ours <= 1000)
