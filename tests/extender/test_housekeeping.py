"""What is tidied up, and in how small steps."""

import pytest

from extender.cluster.static import StaticCluster
from extender.grace import Grace
from extender.housekeeping import GONE_S, Housekeeper, window_counts
from extender.ingest import Ingest
from extender.noise import NoiseTable
from extender.owners import Sender, TokenOwners
from extender.probing import Probing
from extender.windows import WindowStore
from prober.wire import Reply, Report, Run
from tests.extender.conftest import Clock


class NoTargets:
    """Replies that ask for nothing."""

    def to(self, report, reporters, now, *, resync):
        return Reply(resync=resync, interval_ms=10_000.0, targets=[])


class Place:
    """A housekeeper of a cluster whose nodes have all reported."""

    def __init__(self, nodes, targets):
        self.clock, self.store = Clock(), WindowStore(64, 10.0)
        self.names = [f"node-{i}" for i in range(nodes)]
        self.cluster = StaticCluster((n, "") for n in self.names)
        probing = Probing(self.cluster, 10.0, "auto")
        noise = NoiseTable(self.store)
        self.ingest = Ingest(self.store, noise, self.cluster, TokenOwners(), NoTargets(), self.clock)
        self.housekeeper = Housekeeper(self.cluster, self.ingest, self.store, Grace(20.0), probing, self.clock)
        for i, name in enumerate(self.names):
            towards = [self.names[(i + k + 1) % nodes] for k in range(targets)]
            self.ingest.apply(
                Report(name, "b", 1, 10_000.0, {t: Run(0.0, 10_000.0, [1.0 + i]) for t in towards}), Sender("", name)
            )

    def leave(self, names):
        self.cluster.nodes = {n: info for n, info in self.cluster.nodes.items() if n not in names}
        self.housekeeper.tidy()
        self.clock.forward(GONE_S)


@pytest.fixture
def place():
    return Place(nodes=6, targets=2)


def test_nodes_are_forgotten_one_after_the_other_so_that_others_get_their_turn(place):
    place.leave({"node-1", "node-2", "node-3"})
    left = [len(place.store.nodes()) for _ in place.housekeeper.steps()]
    assert left == [5, 4, 3]
    assert place.store.nodes() == {"node-0", "node-4", "node-5"}


def test_a_node_that_comes_back_between_two_steps_keeps_its_windows(place):
    everybody = place.cluster.nodes
    place.leave({"node-1", "node-2"})
    for _ in place.housekeeper.steps():
        place.cluster.nodes = everybody
    assert len(place.store.nodes()) == 5


def test_most_of_a_large_cluster_leaves_and_its_memory_with_it():
    place = Place(nodes=1000, targets=64)
    store, before = place.store, place.store.capacity
    place.leave(set(place.names[100:]))
    place.housekeeper.tidy()
    assert len(store) < 100 * 64
    assert store.capacity == len(store) + 1 < before / 10
    for i in (0, 7):
        rows = store.rows_from(f"node-{i}", [f"node-{i + 1}"])
        assert store.windows(rows, place.clock() - GONE_S)[0, -1] == 1.0 + i


def test_windows_are_counted_by_freshness(place):
    place.store.ensure("node-0", ["node-5"])
    assert dict(window_counts(place.store, 40.0, place.clock)) == {"fresh": 12, "stale": 0, "never": 1}
    place.clock.forward(41.0)
    assert dict(window_counts(place.store, 40.0, place.clock)) == {"fresh": 0, "stale": 12, "never": 1}
