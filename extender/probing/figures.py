"""The metrics of what is measured: sums over all lists and peers, never a series for one of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from extender.probing.planner import Probing
from extender.windows import WindowStore

__all__ = ["Figures"]

_P: Final = "neilats_extender_"
AT_ONCE: Final = 4
"""Hot peers whose paths are counted in one scrape, because webhooks wait meanwhile; others are as counted before."""


class Figures:
    """Collects when scraped. `clock` is the store's."""

    def __init__(self, probing: Probing, store: WindowStore, clock: Callable[[], float]) -> None:
        self._probing, self._store, self._clock = probing, store, clock
        self._evicted: Counter[str] = Counter(rotation=0, forgotten=0)
        self._covered: dict[str, float] = {}
        probing.hot.on_evicted = lambda to: self._evicted.update((to,))

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        yield from self._lists()
        yield from self._peers()
        asymmetric = GaugeMetricFamily(f"{_P}asymmetric_pairs", "Neighbours whose two directions differ")
        asymmetric.add_metric((), self._probing.pairs.asymmetric)
        yield asymmetric

    def _lists(self) -> Iterator[Metric]:
        probing, census = self._probing, self._probing.census
        yield _by("probe_targets", "Targets in all lists by why they are there", "kind", census.by_kind())
        states = census.by_state(self._clock())
        yield _by("probe_paths", "Paths in the lists by freshness of their samples", "state", states)
        budget = probing.limits.budget
        lengths = census.lengths() or [0]
        used = {"mean": sum(lengths) / len(lengths) / budget, "max": max(lengths) / budget}
        used = dict.fromkeys(used, 0.0) if probing.mesh else used
        about = "Part of the budget that the lists take; 0 while the cluster is so small that there is none"
        yield _by("probe_budget_used_ratio", about, "stat", used)

    def _peers(self) -> Iterator[Metric]:
        hot = self._probing.hot
        waiting = len(hot) - len(hot.fixed) - len(hot.turning)
        states = {"fixed": len(hot.fixed), "turning": len(hot.turning), "waiting": waiting}
        yield _by("hot_peers", "Peers that pods asked for lately, by their place in the lists", "state", states)
        about = "Hot peers that lost their place to others: to take turns (rotation), or altogether (forgotten)"
        yield _by("hot_evictions", about, "to", self._evicted, CounterMetricFamily)
        turns = CounterMetricFamily(f"{_P}hot_rotations", "Turns given to hot peers that share places")
        turns.add_metric((), hot.rotations)
        yield turns
        shares = self._coverage([*hot.fixed, *hot.turning])
        about = "Part of the nodes whose own path to a hot peer with a place is fresh; nothing without such peers"
        found = {"mean": sum(shares) / len(shares), "min": min(shares)} if shares else {}
        yield _by("hot_coverage_ratio", about, "stat", found)

    def _coverage(self, peers: list[str]) -> list[float]:
        """Each peer's share of fresh paths, as far as it was counted: the ones counted longest ago anew."""
        known = {peer: share for peer, share in self._covered.items() if peer in set(peers)}
        due = [*(p for p in peers if p not in known), *known][:AT_ONCE]
        for peer in due:
            known.pop(peer, None)
            known[peer] = self._share(peer)
        self._covered = known
        return list(known.values())

    def _share(self, peer: str) -> float:
        pairs = self._probing.pairs
        others = len(pairs.members()) - (peer in pairs)
        age_s = self._store.age_s(self._store.rows_into(peer), self._clock())
        return min(1.0, int((age_s <= self._probing.limits.fresh_for_s).sum()) / max(others, 1))


def _by(
    name: str,
    about: str,
    label: str,
    values: Mapping[str, float],
    kind: Callable[..., CounterMetricFamily | GaugeMetricFamily] = GaugeMetricFamily,
) -> Metric:
    family = kind(_P + name, about, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family
