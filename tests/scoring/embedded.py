"""Measured pairs of made-up networks, and what is true of the pairs that nobody measured."""

from dataclasses import dataclass

import numpy as np

from models.synthetic.internet import internet
from scoring.coordinates import Pairs
from scoring.embedding import pairs_of


@dataclass
class Case:
    """What was measured, and pairs of which only the truth is known."""

    nodes: int
    pairs: Pairs
    a: np.ndarray
    b: np.ndarray
    true_ms: np.ndarray


def case(rtt_ms, measured_ms, nodes, neighbours, seed=0):
    """`rtt_ms` and `measured_ms` of arrays of two nodes; each node has so many neighbours on average."""
    rng = np.random.default_rng(seed)
    source = np.repeat(np.arange(nodes), neighbours // 2)
    target = (source + rng.integers(1, nodes, len(source))) % nodes
    there, back = measured_ms(source, target), measured_ms(target, source)
    pairs = pairs_of(np.concatenate([source, target]), np.concatenate([target, source]), np.concatenate([there, back]))
    a, b = np.triu_indices(nodes, 1)
    unmeasured = ~np.isin(a * nodes + b, pairs.a * nodes + pairs.b)
    a, b = a[unmeasured], b[unmeasured]
    return Case(nodes, pairs, a, b, rtt_ms(a, b))


def internet_case(nodes=400, neighbours=16, seed=0):
    net = internet(nodes, seed)
    return case(net.rtt_ms, net.measured_ms, nodes, neighbours, seed)


def plane_case(nodes=120, neighbours=24, seed=0):
    """Places on a plane with heights: what coordinates can say exactly."""
    rng = np.random.default_rng(seed)
    place, height = rng.uniform(0, 100, (nodes, 2)), rng.uniform(0.5, 5, nodes)

    def rtt_ms(a, b):
        return np.linalg.norm(place[a] - place[b], axis=1) + height[a] + height[b]

    return case(rtt_ms, rtt_ms, nodes, neighbours, seed)


def median_error(estimate_ms, true_ms):
    return float(np.median(np.abs(estimate_ms / true_ms - 1)))


def row_by_column(given):
    """Row x column: log RTT = mean + effects of both nodes, by damped least squares."""
    a, b, value = given.pairs.a, given.pairs.b, np.log(given.pairs.rtt_ms)
    effect, degree = np.zeros(given.nodes), given.pairs.degrees(given.nodes)
    for _ in range(60):
        left = value - value.mean() - effect[a] - effect[b]
        effect += 0.5 * (np.bincount(a, left, given.nodes) + np.bincount(b, left, given.nodes)) / (degree + 1)
    return np.exp(value.mean() + effect[given.a] + effect[given.b])


def vivaldi(given, rounds=40, dimensions=4, seed=0):
    """The textbook's algorithm, one sample at a time (Dabek et al. 2004, figure 3), with heights and adaptive steps."""
    rng = np.random.default_rng(seed)
    place, height, error = rng.normal(0, 1, (given.nodes, dimensions)), np.full(given.nodes, 1.0), np.ones(given.nodes)
    ends = [*zip(given.pairs.a, given.pairs.b, given.pairs.rtt_ms, strict=True)]
    ends += [(b, a, rtt) for a, b, rtt in ends]
    for _ in range(rounds):
        for k in rng.permutation(len(ends)):
            i, j, rtt = ends[k]
            apart = place[i] - place[j]
            flat = np.sqrt(apart @ apart)
            distance = flat + height[i] + height[j]
            weight = error[i] / (error[i] + error[j])
            error[i] += (abs(distance - rtt) / rtt - error[i]) * 0.25 * weight
            error[i] = min(error[i], 2.0)
            step = 0.25 * weight * (rtt - distance)
            place[i] += step * apart / flat
            height[i] = max(height[i] + step * (height[i] + height[j]) / distance, 0.01)
    flat = np.linalg.norm(place[given.a] - place[given.b], axis=1)
    return flat + height[given.a] + height[given.b]
