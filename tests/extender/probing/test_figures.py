"""What is measured, as Prometheus reads it."""

import numpy as np
from prometheus_client import CollectorRegistry

from extender.probing import Limits, Probing
from extender.probing.census import LOOK_S
from extender.probing.figures import AT_ONCE, Figures
from extender.windows import WindowStore
from prober.wire import Addresses
from tests.extender.probing.village import Record, Time, Village, address_of, names_of

LIMITS = Limits(mesh_nodes=20, budget=48, neighbours=8)  # 30 hot peers have a place, 10 of them by turns


class Observed:
    """An extender's probing with its windows and metrics."""

    def __init__(self, count=100):
        self.village, self.time = Village(names_of(count)), Time()
        self.store = WindowStore(64, 10.0)
        self.probing = Probing(self.village, 10.0, "auto", self.store, LIMITS, self.time.wall)
        self.reporters = {n: Record(Addresses(ipv4=address_of(n))) for n in self.village.nodes}
        self.registry = CollectorRegistry()
        self.registry.register(Figures(self.probing, self.store, lambda: self.time.now))

    def report(self, sources=None):
        return {s: self.probing.plan(s, self.reporters, self.time.now).targets for s in sources or self.village.nodes}

    def ask(self, *peers):
        for peer in peers:
            self.probing.asked(peer, self.time.now)

    def measure(self, source, *targets):
        rows = self.store.ensure(source, targets)
        self.store.append(rows, np.full(len(rows), self.time.now), np.ones(len(rows)))

    def value(self, name, **labels):
        return self.registry.get_sample_value(f"neilats_extender_{name}", labels)


def test_targets_are_counted_by_why_they_are_there_and_the_budget_by_what_it_holds():
    seen = Observed()
    seen.ask("node-1", "node-2")
    lists = seen.report()
    total = sum(map(len, lists.values()))
    kinds = next(f.samples for f in seen.registry.collect() if f.name == "neilats_extender_probe_targets")
    assert sum(s.value for s in kinds) == total
    assert seen.value("probe_targets", kind="hot") > 180
    assert seen.value("probe_targets", kind="neighbour") > 300
    assert seen.value("probe_budget_used_ratio", stat="mean") == total / 100 / 48
    assert seen.value("probe_budget_used_ratio", stat="max") == max(map(len, lists.values())) / 48


def test_a_mesh_has_no_budget():
    seen = Observed(10)
    seen.report()
    assert seen.value("probe_targets", kind="mesh") == 90
    assert seen.value("probe_budget_used_ratio", stat="max") == 0


def test_hot_peers_are_counted_by_their_place_and_what_became_of_the_others():
    seen = Observed()
    seen.report()
    seen.ask(*names_of(50))
    states = {state: seen.value("hot_peers", state=state) for state in ("fixed", "turning", "waiting")}
    assert states == {"fixed": 20, "turning": 10, "waiting": 20}
    for _ in range(3):
        seen.time.now += 60.0
        seen.report()
    assert seen.value("hot_rotations_total") >= 20
    seen.ask(*names_of(100)[50:])
    seen.time.now += 60.0
    seen.report()
    assert seen.value("hot_evictions_total", to="rotation") >= 10
    assert seen.value("hot_evictions_total", to="forgotten") == 0


def test_coverage_says_how_many_nodes_have_a_fresh_path_to_hot_peers():
    seen = Observed()
    seen.report()
    assert seen.value("hot_coverage_ratio", stat="mean") is None
    seen.ask("node-1", "node-2")
    for source in names_of(100)[3:52]:
        seen.measure(source, "node-1")
    for source in names_of(100)[3:]:
        seen.measure(source, "node-2")
    assert seen.value("hot_coverage_ratio", stat="min") == 49 / 99
    assert seen.value("hot_coverage_ratio", stat="mean") == (49 + 97) / 2 / 99
    seen.time.now += LIMITS.fresh_for_s + 1
    assert seen.value("hot_coverage_ratio", stat="mean") == 0


def test_many_hot_peers_are_looked_at_a_few_in_a_scrape_and_all_in_turn():
    seen = Observed()
    seen.report()
    peers = names_of(2 * AT_ONCE + 3)
    seen.ask(*peers)
    seen.value("hot_coverage_ratio", stat="min")
    seen.measure("node-99", *peers)
    for _ in range(3):
        lowest = seen.value("hot_coverage_ratio", stat="min")
    assert lowest == 1 / 99


def test_paths_in_the_lists_are_counted_by_whether_samples_come():
    seen = Observed()
    lists = seen.report()
    total = sum(map(len, lists.values()))
    seen.time.now += LOOK_S - LIMITS.fresh_for_s
    for source, targets in lists.items():
        seen.measure(source, *(t.node for t in targets[1:]))
    seen.measure("node-0", "node-99", "node-98")  # measured once, and no longer asked for
    seen.time.now += LIMITS.fresh_for_s
    lists = seen.report()
    never = seen.value("probe_paths", state="never")
    assert seen.value("probe_paths", state="stale") == 0
    assert 0 < never <= 200
    assert seen.value("probe_paths", state="fresh") + never == sum(map(len, lists.values()))
    assert abs(sum(map(len, lists.values())) - total) < 100
    seen.time.now += LOOK_S
    seen.report(names_of(50))
    assert seen.value("probe_paths", state="stale") > 0.3 * total
    seen.time.now += LOOK_S
    assert seen.value("probe_paths", state="fresh") == 0


def test_asymmetric_pairs_are_counted():
    seen = Observed()
    seen.report()
    assert seen.value("asymmetric_pairs") == 0
