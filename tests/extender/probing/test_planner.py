"""The lists that probers get."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extender.probing import HOT_S, Kind, Limits, Probing
from prober.wire import Addresses, SelfReport
from tests.extender.probing.village import Record, Time, Village, address_of, names_of

LIMITS = Limits(
    mesh_nodes=20, budget=24, neighbours=8
)  # 12 hot peers have a place, 4 targets are left for single paths


class Plans:
    """The plans of one replica, for probers that have all reported."""

    def __init__(self, count=60, limits=LIMITS, village=None, time=None):
        self.village, self.time = village or Village(names_of(count)), time or Time()
        self.probing = Probing(self.village, 10.0, "auto", None, limits, self.time.wall)
        self.reporters = {n: Record(Addresses(ipv4=address_of(n))) for n in self.village.nodes}

    def of(self, source):
        return self.probing.plan(source, self.reporters, self.time.now)

    def names(self, source):
        return [t.node for t in self.of(source).targets]

    def all(self):
        return {source: self.names(source) for source in self.village.nodes}

    def ask(self, *peers):
        for peer in peers:
            self.probing.asked(peer, self.time.now)

    def bursts(self, source):
        return [t.node for t in self.of(source).targets if t.burst]


# -- small clusters ----------------------------------------------------------------------------------------------------


def test_a_small_cluster_is_a_full_mesh_in_the_order_of_the_nodes():
    plans = Plans(20)
    assert plans.names("node-3") == [n for n in names_of(20) if n != "node-3"]
    plans.ask("node-5")
    plans.probing.watch("node-5", ["node-3"], plans.time.now)
    assert plans.names("node-3") == [n for n in names_of(20) if n != "node-3"]
    assert len(plans.probing.placed) == 0


def test_a_path_that_a_pod_waits_for_is_probed_in_a_burst_for_a_while_and_then_not():
    plans = Plans(20)
    plans.probing.want("node-1", "node-2", plans.time.now)
    plans.probing.want("node-1", "nowhere", plans.time.now)
    assert plans.bursts("node-1") == ["node-2"]
    plans.time.now += HOT_S
    assert plans.bursts("node-1") == []


def test_one_node_more_than_a_mesh_may_have_ends_it_and_one_less_brings_it_back():
    plans = Plans(20)
    assert len(plans.names("node-1")) == 19
    plans.village.put(replace(plans.village.nodes["node-1"], name="node-20", addresses=("10.0.0.20",)))
    assert len(plans.names("node-1")) < 19
    plans.village.drop("node-20")
    plans.time.now += 1
    assert len(plans.names("node-1")) == 19


# -- large ones --------------------------------------------------------------------------------------------------------


def test_above_that_a_node_measures_a_few_neighbours_by_name():
    plans = Plans()
    for names in plans.all().values():
        assert 1 <= len(names) <= LIMITS.neighbours
        assert names == sorted(names)


def test_every_node_measures_a_hot_peer_from_its_next_report_on():
    plans = Plans()
    plans.all()
    plans.ask("node-7")
    assert all("node-7" in names for source, names in plans.all().items() if source != "node-7")
    assert "node-7" not in plans.names("node-7")
    plans.time.now += LIMITS.hot_for_s + 100
    assert sum("node-7" in names for names in plans.all().values()) <= LIMITS.neighbours


def test_a_peer_that_is_no_node_is_not_hot():
    plans = Plans()
    plans.ask("nowhere")
    assert len(plans.probing.hot) == 0


def test_a_hot_peer_is_measured_although_it_is_not_ready():
    plans = Plans()
    plans.village.put(replace(plans.village.nodes["node-7"], ready=False))
    plans.all()
    plans.ask("node-7")
    assert all("node-7" in names for source, names in plans.all().items() if source != "node-7")


def test_what_a_pod_waits_for_comes_before_all_hot_peers():
    plans = Plans()
    plans.all()
    plans.ask(*names_of(30))
    plans.time.now += 2 * HOT_S
    targets = [n for n in names_of(60)[30:] if n != "node-50"]
    for target in targets:
        plans.probing.want("node-50", target, plans.time.now)
    assert len(plans.bursts("node-50")) >= LIMITS.budget - LIMITS.neighbours
    assert len(plans.names("node-50")) == LIMITS.budget
    assert targets[-1] in plans.bursts("node-50")


def test_a_peer_that_has_just_become_hot_is_not_asked_for_twice_nor_need_it_measure_back():
    plans = Plans()
    plans.all()
    plans.ask("node-7")
    for name in names_of(60):
        plans.probing.want(name, "node-7", plans.time.now)
        plans.probing.want("node-7", name, plans.time.now)
    assert len(plans.probing.wanted) == 0
    plans.time.now += HOT_S
    plans.probing.want("node-3", "node-7", plans.time.now)
    plans.probing.want("node-7", "node-3", plans.time.now)
    assert (plans.bursts("node-3"), plans.bursts("node-7")) == (["node-7"], [])


def test_a_hot_peer_measures_the_nodes_that_have_no_prober():
    plans = Plans()
    plans.village.put(replace(plans.village.nodes["node-3"], probed=False))
    plans.all()
    plans.ask("node-7")
    plans.probing.want("node-7", "node-3", plans.time.now)
    assert plans.bursts("node-7") == ["node-3"]


def test_a_placed_pods_path_is_measured_from_its_node_alone_while_somebody_looks():
    plans = Plans()
    others = {s: names for s, names in plans.all().items() if s != "node-5"}
    peer = next(n for n in names_of(60) if n != "node-5" and n not in plans.names("node-5"))
    plans.probing.watch(peer, ["node-5", peer, "nowhere"], plans.time.now)
    assert peer in plans.names("node-5")
    assert {s: names for s, names in plans.all().items() if s != "node-5"} == others
    plans.time.now += 3 * LIMITS.promise_check_s + HOT_S
    assert peer not in plans.names("node-5")


def test_where_a_placed_pods_node_has_no_prober_its_peer_measures_the_path():
    plans = Plans()
    plans.village.put(replace(plans.village.nodes["node-5"], probed=False))
    near = {source for source, names in plans.all().items() if "node-5" in names}
    peer = next(n for n in names_of(60) if n not in {"node-5", *near})
    plans.probing.watch(peer, ["node-5"], plans.time.now)
    assert "node-5" in plans.names(peer)


def test_placed_pods_paths_that_are_too_many_take_turns():
    plans, seen, limits = Plans(), set(), LIMITS
    peers = [n for n in names_of(60) if n != "node-5"][: limits.budget]
    plans.all()
    plans.ask(*names_of(60)[40:52])
    for _ in range(30):
        for peer in peers:
            plans.probing.watch(peer, ["node-5"], plans.time.now)
        names = plans.names("node-5")
        assert len(names) == limits.budget
        seen.update(names)
        plans.time.now += 20.0
    assert seen >= set(peers)


def test_a_prober_that_reports_no_more_is_stood_in_for():
    plans = Plans()
    plans.all()
    lost = plans.names("node-9")
    for _ in range(8):
        plans.time.now += 10.0
        for source in plans.village.nodes:
            if source != "node-9":
                plans.names(source)
    assert plans.probing.pairs.silent == {"node-9"}
    assert all("node-9" in plans.names(neighbour) for neighbour in lost)


def test_a_node_that_is_gone_leaves_nothing():
    plans = Plans()
    plans.all()
    plans.ask("node-9", "node-1")
    plans.probing.watch("node-1", ["node-9"], plans.time.now)
    plans.probing.want("node-9", "node-30", plans.time.now)
    plans.names("node-9")
    plans.village.drop("node-9")
    plans.time.now += 1.0
    assert not any("node-9" in names for names in plans.all().values())
    assert "node-9" not in plans.probing.hot
    assert (len(plans.probing.placed), len(plans.probing.wanted)) == (0, 0)
    assert len(plans.probing.census.lengths()) == 59


# -- versions, addresses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [20, 60])
def test_the_same_list_is_the_same_plan_and_another_one_has_another_version(count):
    plans = Plans(count)
    plans.all()
    before = {source: plans.of(source) for source in names_of(count)}
    assert all(plans.of(source) is before[source] for source in names_of(count))
    plans.village.put(replace(plans.village.nodes["node-1"], name="node-99"))
    plans.time.now += 1.0
    after = {source: plans.of(source) for source in names_of(count)}
    for source in names_of(count):
        same = before[source].targets == after[source].targets
        assert (before[source].version == after[source].version) is same
        assert (before[source] is after[source]) is same


def test_a_burst_is_a_change_of_the_list():
    plans = Plans(20)
    versions = [plans.of("node-1").version]
    plans.probing.want("node-1", "node-2", plans.time.now)
    versions.append(plans.of("node-1").version)
    plans.time.now += HOT_S
    versions.append(plans.of("node-1").version)
    assert versions[0] == versions[2] != versions[1]


def test_a_prober_that_moved_is_probed_at_its_new_address():
    plans = Plans(20)
    plans.all()
    plans.reporters["node-2"] = Record(Addresses(ipv4="10.9.9.9"))
    plans.of("node-2")
    assert {t.node: t.address for t in plans.of("node-1").targets}["node-2"] == "10.9.9.9"


def test_a_silent_node_whose_address_the_cluster_changes_is_probed_there():
    plans = Plans(20)
    del plans.reporters["node-2"]
    plans.all()
    plans.village.put(replace(plans.village.nodes["node-2"], addresses=("10.8.8.8",)))
    assert {t.node: t.address for t in plans.of("node-1").targets}["node-2"] == "10.8.8.8"


def test_by_udp_only_nodes_whose_echo_is_known_are_probed():
    plans = Plans(20)
    plans.reporters["node-1"] = Record(Addresses(ipv4="10.0.0.1"), SelfReport(mode="udp"))
    plans.reporters["node-2"] = Record(Addresses(ipv4="10.0.0.2", udp_port=9), SelfReport(mode="udp"))
    plans.of("node-2")
    assert [(t.node, t.udp_port) for t in plans.of("node-1").targets] == [("node-2", 9)]
    assert len(plans.of("node-3").targets) == 19


# -- properties --------------------------------------------------------------------------------------------------------

NAME = st.sampled_from(names_of(60))
ASKED = st.lists(
    st.tuples(st.sampled_from(["asked", "want", "watch", "wait", "drop"]), NAME, NAME), min_size=1, max_size=80
)


@settings(max_examples=30)
@given(ASKED, st.integers(8, 40))
def test_whatever_is_asked_no_list_is_longer_than_the_budget_and_each_target_is_there_once(asked, budget):
    plans = Plans(limits=replace(LIMITS, budget=budget, neighbours=4))
    for what, one, other in asked:
        if what == "asked":
            plans.ask(one, other)
        elif what == "want":
            plans.probing.want(one, other, plans.time.now)
        elif what == "watch":
            plans.probing.watch(one, names_of(60), plans.time.now)
        elif what == "wait":
            plans.time.now += 17.0
        elif one in plans.village.nodes and len(plans.village.nodes) > 30:
            plans.village.drop(one)
    plans.time.now += 1.0
    for source, names in plans.all().items():
        assert len(names) == len(set(names)) <= budget
        assert source not in names
        assert set(names) <= set(plans.village.nodes)


@settings(max_examples=20)
@given(st.lists(NAME, max_size=40), st.floats(0, 5000))
def test_replicas_choose_the_same_whenever_they_began_and_in_whatever_order_they_heard_of_the_nodes(asked, began_s):
    """Their monotonic clocks have different origins, as on different hosts; the time of day is one."""
    one = Plans()
    other = Plans(village=Village(reversed(names_of(60))), time=Time(now=5.0 + began_s))
    other.time.offset = one.time.wall() - other.time.now
    for plans in (one, other):
        plans.ask(*asked)
        plans.probing.watch("node-1", ["node-2"], plans.time.now)
    for _ in range(10):
        assert one.all() == other.all()
        one.time.now, other.time.now = one.time.now + 31.0, other.time.now + 31.0


def test_a_newcomer_changes_the_lists_of_few_others():
    plans = Plans(1000, Limits())
    before = plans.all()
    plans.reporters["node-1000"] = Record(Addresses(ipv4="10.0.9.9"))
    plans.village.put(replace(plans.village.nodes["node-1"], name="node-1000"))
    plans.time.now += 1.0
    after = plans.all()
    assert sum(before[source] != after[source] for source in before) <= 3 * Limits().neighbours


def test_why_targets_are_there_is_counted():
    plans = Plans()
    plans.all()
    plans.ask("node-7")
    plans.probing.watch("node-8", ["node-5"], plans.time.now)
    plans.all()
    counts = plans.probing.census.by_kind()
    assert sum(counts.values()) == sum(map(len, plans.all().values()))
    assert counts[Kind.MESH] == 0
    assert counts[Kind.HOT] >= 59 - LIMITS.neighbours
    assert counts[Kind.PLACED] <= 1
