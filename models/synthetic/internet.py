"""A made-up internet: round trips between nodes all over the world, to judge estimates of what nobody measured.

What makes it like the internet, and unlike the models that are fitted to it:

* Nodes live in sites (cities), few of which hold most of them, and sites lie on the continents of a sphere.
* Packets follow a graph of links, not the shortest line: sites are linked to their neighbours and to their continent's
  hubs, continents by few cables. Light takes 1 ms there and back for 100 km of fibre, and fibre makes detours.
* Routes obey contracts: each pair of sites has a factor of its own, and one in twelve goes far around. So 12 % of all
  triangles violate the triangle inequality by more than 5 %: a way over a third node would be faster.
* Each node adds what its access link takes: tenths of a millisecond in a data centre, some milliseconds at home.
* Each pair of nodes differs a little from what its sites would have, and each measurement from its path: the two
  directions were asked at other times, some while a queue was full, and some paths do not answer.

Nothing of it is Euclidean, and no matrix of it has a low rank by construction.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Internet", "internet"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_CONTINENTS: Final = (
    # share of the sites, latitude, longitude, and how far they spread (standard deviation, degrees)
    (0.32, 39.0, -95.0, 13.0),
    (0.30, 49.0, 10.0, 8.0),
    (0.21, 28.0, 110.0, 14.0),
    (0.07, -18.0, -55.0, 11.0),
    (0.05, -30.0, 145.0, 8.0),
    (0.05, 2.0, 20.0, 14.0),
)
_CABLES: Final = ((0, 1), (0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (1, 5), (2, 4))
"""Continents that cables join, each from a hub to a hub."""

_EARTH_KM: Final = 6371.0
_KM_PER_MS: Final = 100.0
"""Of distance for a millisecond there and back: light in glass makes 200 km in a millisecond."""

_NEIGHBOURS: Final = 3
_HUBS: Final = 2
_FAR_AROUND: Final = 1 / 12
_BROADBAND: Final = 0.3
_LOST: Final = 0.01
_CONGESTED: Final = 0.02


@dataclass(frozen=True)
class Internet:
    """n nodes, and what a packet between any two of them takes."""

    site: Ints
    """``[n]``: where each node is."""
    between_ms: Floats
    """``[s, s]``: round trips between sites, without the nodes' access links; on the diagonal those within a site."""
    access_ms: Floats
    """``[n]``: what each node's access link adds."""
    seed: int

    def rtt_ms(self, a: Ints, b: Ints) -> Floats:
        """Return the typical round trip of each pair of nodes: alike in both directions, 0 to itself."""
        low, high = np.minimum(a, b), np.maximum(a, b)  # so that both directions are rounded alike
        way = self.between_ms[self.site[low], self.site[high]] * np.exp(0.06 * _normal(low, high, self.seed))
        return np.where(a == b, 0.0, way + self.access_ms[low] + self.access_ms[high])

    def measured_ms(self, source: Ints, target: Ints) -> Floats:
        """Return a window's median of each path, NaN where nothing comes back: not alike in both directions."""
        true = self.rtt_ms(source, target)
        near = true * np.exp(0.03 * _normal(source, target, self.seed + 1))
        luck = _uniform(source, target, self.seed + 2)
        slow = np.where(luck < _CONGESTED, 1.3 + 60.0 * luck, 1.0)
        return np.where(luck > 1.0 - _LOST, np.nan, near * slow)

    def matrix(self) -> Floats:
        """Return all typical round trips ``[n, n]``."""
        each = np.arange(len(self.site))
        return self.rtt_ms(*np.meshgrid(each, each, indexing="ij"))


def internet(nodes: int, seed: int = 0) -> Internet:
    """Return an internet of so many nodes in about 2.5 sqrt(nodes) sites; the same for the same seed.

    Raises ValueError for less than two nodes.
    """
    if nodes < 2:
        raise ValueError(f"an internet of {nodes} nodes; expected at least 2")
    rng = np.random.default_rng((seed, nodes))
    count = max(2 * len(_CONTINENTS), round(2.5 * nodes**0.5))
    continent = np.concatenate([np.arange(len(_CONTINENTS)), np.arange(len(_CONTINENTS)), _drawn(rng, count)])[:count]
    popular = rng.permutation(1.0 / np.arange(1, count + 1))
    site = rng.choice(count, nodes, p=popular / popular.sum())
    broadband = rng.random(nodes) < _BROADBAND
    access = np.where(broadband, rng.lognormal(np.log(6.0), 0.7, nodes), rng.lognormal(np.log(0.2), 0.6, nodes))
    return Internet(site.astype(np.int64), _between(rng, continent), access, seed)


def _drawn(rng: np.random.Generator, count: int) -> Ints:
    return rng.choice(len(_CONTINENTS), count, p=[share for share, *_ in _CONTINENTS]).astype(np.int64)


def _between(rng: np.random.Generator, continent: Ints) -> Floats:
    """Return ``[s, s]`` round trips between sites: shortest ways over the links, then what contracts make of them."""
    count = len(continent)
    ways = _shortest(_links(rng, continent, _distances(rng, continent)))
    factor = rng.lognormal(0.12, 0.17, (count, count))
    factor *= np.where(rng.random((count, count)) < _FAR_AROUND, 1.0 + rng.exponential(0.6, (count, count)), 1.0)
    factor = np.triu(factor, 1)
    ways = ways / _KM_PER_MS * (factor + factor.T) + 0.3
    np.fill_diagonal(ways, rng.lognormal(np.log(0.3), 0.5, count))
    return ways


def _distances(rng: np.random.Generator, continent: Ints) -> Floats:
    """Return ``[s, s]`` kilometres along great circles between sites drawn around their continents' centres."""
    _, latitude, longitude, spread = np.array(_CONTINENTS)[continent].T
    north = np.radians(np.clip(latitude + spread * rng.standard_normal(len(continent)), -60, 70))
    east = np.radians(longitude + 1.5 * spread * rng.standard_normal(len(continent)))
    place = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1)
    apart_km: Floats = _EARTH_KM * np.arccos(np.clip(place @ place.T, -1.0, 1.0))
    return apart_km


def _links(rng: np.random.Generator, continent: Ints, apart_km: Floats) -> Floats:
    """Return ``[s, s]`` kilometres of fibre where two sites are linked, inf where they are not."""
    links = np.full(apart_km.shape, np.inf)
    hubs = [np.flatnonzero(continent == c)[: _HUBS + 1] for c in range(len(_CONTINENTS))]

    def link(a: Ints, b: Ints) -> None:
        links[a, b] = links[b, a] = apart_km[a, b] * rng.uniform(1.1, 1.9, len(a)) + 20.0

    for c in range(len(_CONTINENTS)):
        own = np.flatnonzero(continent == c)
        nearest = np.argsort(apart_km[np.ix_(own, own)], axis=1)[:, 1 : _NEIGHBOURS + 1]
        link(np.repeat(own, nearest.shape[1]), own[nearest].ravel())
        for hub in hubs[c][:_HUBS]:
            link(own[own != hub], np.full(len(own) - 1, hub))
    for k, (a, b) in enumerate(_CABLES):
        link(hubs[a][[k % len(hubs[a])]], hubs[b][[(k + 1) % len(hubs[b])]])
    np.fill_diagonal(links, 0.0)
    shorter: Floats = np.minimum(links, links.T)
    return shorter


def _shortest(links: Floats) -> Floats:
    """Return the length of the shortest way between any two (Floyd and Warshall's algorithm)."""
    ways = links.copy()
    for over in range(len(ways)):
        np.minimum(ways, ways[:, [over]] + ways[[over]], out=ways)
    return ways


def _normal(a: Ints, b: Ints, seed: int) -> Floats:
    """Return a standard normal number for each ordered pair, always the same one (Box and Muller's method)."""
    radius = np.sqrt(-2.0 * np.log(1.0 - _uniform(a, b, 2 * seed)))
    wave: Floats = radius * np.cos(2.0 * np.pi * _uniform(a, b, 2 * seed + 1))
    return wave


def _uniform(a: Ints, b: Ints, seed: int) -> Floats:
    """Return a number in 0..1 for each ordered pair: its bits mixed as in splitmix64 (Steele et al., OOPSLA 2014)."""
    with np.errstate(over="ignore"):
        mixed = (a.astype(np.uint64) << np.uint64(32)) + b.astype(np.uint64)
        mixed = mixed + np.uint64(seed + 1) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed = mixed ^ (mixed >> np.uint64(31))
    return (mixed >> np.uint64(11)) / 2.0**53
