"""The noise curves that decisions look up."""

import numpy as np
import pytest

from extender.gather import gather
from extender.noise import (
    ASKED_S,
    FEW,
    LINKS,
    MOST_DUE,
    SLACK_S,
    TOGETHER,
    UNASKED_INTERVALS,
    UNKNOWN,
    NoiseTable,
)
from extender.windows import ABSENT, WindowStore
from scoring.context import CURVES
from scoring.noise import pooled_curves

NAMES = ("a", "b", "c", "d")


@pytest.fixture
def store():
    store = WindowStore(64, 10.0)
    rng = np.random.default_rng(0)
    for source in NAMES:
        rows = store.ensure(source, [t for t in NAMES if t != source])
        for k in range(50):
            store.append(rows, np.full(3, 10.0 * k), rng.lognormal(1, 0.5, 3))
    return store


NOW = 491.0


def all_refreshed(store, nodes=NAMES):
    table = NoiseTable(store)
    for node in nodes:
        table.refresh(node, NOW)
    return table


def test_a_nodes_curves_pool_its_outgoing_and_its_incoming_links(store):
    table = all_refreshed(store)
    curves = table.curves[table.rows(["b"], NOW, 40.0)[0]]
    outgoing = pooled_curves(store.windows(store.rows_of("b"), NOW))
    incoming = pooled_curves(store.windows(store.rows_to("b", ["a", "c", "d"]), NOW))
    np.testing.assert_array_equal(curves, np.concatenate([outgoing, incoming]).astype(np.float32))


def test_a_node_that_never_reported_is_unknown(store):
    table = all_refreshed(store, ("a",))
    assert table.rows(["a", "b", "nobody"], NOW, 40.0).tolist()[1:] == [UNKNOWN, UNKNOWN]
    assert np.isnan(table.of(["b"], NOW, 40.0)).all()


def test_old_noise_says_nothing_about_now(store):
    table = all_refreshed(store)
    assert table.rows(["a"], NOW + 51.0, 40.0).tolist() == [UNKNOWN]


def test_many_nodes_fit_and_a_forgotten_nodes_row_is_used_again(store):
    table = NoiseTable(store)
    for i in range(200):
        table.refresh(f"node-{i}", NOW)
    rows = table.rows([f"node-{i}" for i in range(200)], NOW, 40.0)
    assert len(set(rows.tolist())) == 200
    assert UNKNOWN not in rows
    table.forget("node-7")
    assert table.rows(["node-7"], NOW, 40.0).tolist() == [UNKNOWN]
    table.refresh("another", NOW)
    assert table.rows(["another"], NOW, 40.0).tolist() == [rows[7]]


def test_gathered_paths_carry_the_way_back_and_the_noise_of_both_ends(store):
    table = all_refreshed(store)
    context = gather(store, table, "a", ["b", "c"], NOW, 40.0).paths.context
    np.testing.assert_array_equal(context.reverse, store.windows(store.rows_from("a", ["b", "c"]), NOW))
    np.testing.assert_array_equal(context.candidate, table.rows(["b", "c"], NOW, 40.0))
    assert context.peer == table.rows(["a"], NOW, 40.0)[0]


def test_a_path_known_only_from_its_other_end_has_no_way_back():
    store = WindowStore(64, 10.0)
    rows = store.ensure("a", ["b"])
    store.append(rows, np.array([480.0]), np.array([3.0]))
    gathered = gather(store, NoiseTable(store), "a", ["b"], NOW, 40.0)
    assert gathered.rows[0] != ABSENT
    assert np.isnan(gathered.paths.context.reverse).all()


def test_a_node_that_reported_is_pooled_when_somebody_looks_as_of_its_report(store):
    table, now = NoiseTable(store), all_refreshed(store)
    table.reported("b", NOW)
    later = table.rows(["b"], NOW + 30.0, 40.0)
    assert UNKNOWN not in later
    np.testing.assert_array_equal(table.curves[later], now.curves[now.rows(["b"], NOW, 40.0)])
    assert table.rows(["b"], NOW + 51.0, 40.0).tolist() == [UNKNOWN]


def test_nodes_that_reported_are_pooled_together_like_each_alone(store):
    alone, together = all_refreshed(store), NoiseTable(store)
    for node in NAMES:
        together.reported(node, NOW)
    np.testing.assert_array_equal(
        together.curves[together.rows(NAMES, NOW, 40.0)], alone.curves[alone.rows(NAMES, NOW, 40.0)]
    )


def test_few_nodes_wait_and_a_report_pools_no_more_than_are_pooled_together(store):
    table, before = NoiseTable(store), 0
    for i in range(10 * TOGETHER):
        table.reported(f"node-{i}", NOW)
        assert len(table._due) <= MOST_DUE
        assert before + 1 - len(table._due) <= TOGETHER
        before = len(table._due)


def test_nodes_that_are_pooled_while_others_report_are_pooled_with_all_that_they_reported():
    store, rng = WindowStore(64, 10.0), np.random.default_rng(2)
    table, nodes = NoiseTable(store), [f"n{i}" for i in range(10 * TOGETHER)]
    for node in nodes:
        rows = store.ensure(node, NAMES)
        store.write(np.tile(rows, 3), np.repeat([470.0, 480.0, 490.0], 4), rng.lognormal(1, 0.5, 12))
        table.reported(node, NOW)
    expected = all_refreshed(store, nodes)
    pooled = [n for n in nodes if n not in table._due]
    assert len(pooled) > len(nodes) / 2
    outgoing = slice(0, CURVES // 2)
    np.testing.assert_array_equal(
        table.curves[[table._row[n] for n in pooled], outgoing],
        expected.curves[expected.rows(pooled, NOW, 40.0), outgoing],
    )


def test_nodes_with_many_links_are_pooled_in_several_passes_like_each_alone():
    store, rng = WindowStore(64, 10.0), np.random.default_rng(1)
    nodes = [f"n{i}" for i in range(TOGETHER)]
    for node in nodes:
        rows = store.ensure(node, [f"t{i}" for i in range(300)])
        store.write(np.tile(rows, 3), np.repeat([470.0, 480.0, 490.0], 300), rng.lognormal(1, 0.5, 900))
    table = all_refreshed(store, nodes)
    for node in nodes:
        outgoing = pooled_curves(store.windows(store.rows_of(node)[:LINKS], NOW))
        found = table.curves[table.rows([node], NOW, 40.0)[0]]
        np.testing.assert_array_equal(found[: len(outgoing)], outgoing.astype(np.float32))
        assert np.isnan(found[len(outgoing) :]).all()


def test_a_burst_of_reports_is_pooled_once(store):
    table = all_refreshed(store, ("a",))
    before = table.curves[table.rows(["a"], NOW, 40.0)].copy()
    store.write(store.ensure("a", ["b", "c", "d"]), np.full(3, NOW), np.full(3, np.inf))
    table.reported("a", NOW + 4.9)
    np.testing.assert_array_equal(table.curves[table.rows(["a"], NOW, 40.0)], before)
    table.reported("a", NOW + 5.0)
    assert (table.curves[table.rows(["a"], NOW + 5.0 + SLACK_S, 40.0)] != before).any()


def test_a_node_that_is_forgotten_while_it_waits_stays_unknown(store):
    table = NoiseTable(store)
    table.reported("a", NOW)
    table.forget("a")
    assert table.rows(["a"], NOW, 40.0).tolist() == [UNKNOWN]


def test_a_node_that_still_waits_may_be_the_one_for_which_the_table_grows(store):
    table = NoiseTable(store)
    for i in range(62):
        table.refresh(f"node-{i}", NOW)
    table.rows(["node-0"], NOW, 40.0)
    for name in NAMES:
        table.reported(name, NOW)
    assert np.isfinite(table.of(NAMES, NOW, 40.0)).any(axis=1).all()


class Many:
    """More than a few nodes, each with a path to one other; all have reported and were pooled at `NOW`."""

    def __init__(self):
        self.store, self.names, self.now = WindowStore(64, 10.0), [f"n{i}" for i in range(FEW + 8 * TOGETHER)], NOW
        self.table = NoiseTable(self.store)
        self.report(1.0)
        self.store.flush()
        self.ask([self.names[-1]])  # who asks about one that was never pooled has all pooled that wait

    def report(self, *rtt_ms, names=None):
        """Each node reports these samples, the last of them measured now."""
        at = self.now - 10.0 * np.arange(len(rtt_ms))[::-1]
        for node in names or self.names:
            self.store.write(np.repeat(self.store.ensure(node, ["hub"]), len(at)), at, np.array(rtt_ms))
            self.table.reported(node, self.now)

    def ask(self, names):
        return self.table.rows(names, self.now, 40.0)

    def lossy(self, names):
        """Of which nodes it is known that all was lost in the newest slots."""
        return [n for n in names if self.table.curves[self.table._row[n], 0, -1] == 1.0]


@pytest.fixture
def many():
    return Many()


def test_among_many_a_node_about_which_nobody_asks_is_pooled_only_now_and_then(many):
    many.now += 10.0
    many.report(np.inf, np.inf, np.inf)
    assert many.lossy(many.names[:-1]) == []
    many.now = NOW + UNASKED_INTERVALS * 10.0
    many.report(np.inf)
    assert len(many.lossy(many.names)) > len(many.names) - 2 * MOST_DUE
    assert UNKNOWN not in many.ask(many.names)


def test_a_node_that_was_asked_about_is_pooled_with_its_reports(many):
    many.ask(many.names[:TOGETHER])
    many.now += 10.0
    many.report(np.inf, np.inf, np.inf)
    many.store.flush()
    many.report(np.inf, names=many.names[-1:])
    assert many.lossy(many.names[:-1]) == many.names[:TOGETHER]


def test_a_node_that_nobody_has_asked_about_for_a_minute_is_pooled_like_the_others(many):
    many.ask(many.names[:TOGETHER])
    many.now += ASKED_S + 1.0
    for rtt_ms in (1.0, np.inf):
        many.report(*[rtt_ms] * 3)
        many.store.flush()
        many.report(1.0, names=many.names[-1:])
        many.now += 10.0
    assert many.lossy(many.names[:TOGETHER]) == []


def test_who_asks_about_a_handful_of_the_many_gets_their_noise_as_of_their_latest_reports(many):
    many.now += 10.0
    many.report(np.inf, np.inf, np.inf)
    asked = many.names[20 : 20 + TOGETHER]
    assert UNKNOWN not in many.ask(asked)
    assert many.lossy(many.names[:-1]) == asked


def test_who_asks_about_many_gets_what_is_known_and_the_next_reports_bring_it_up_to_date(many):
    many.now += 10.0
    many.report(np.inf, np.inf, np.inf)
    asked = many.names[1 : 1 + 5 * TOGETHER]
    assert UNKNOWN not in many.ask(asked)
    assert many.lossy(asked) == []
    done = 0
    for _ in range(6):
        many.report(1.0, names=many.names[-1:])
        before, done = done, len(many.lossy(asked))
        assert 0 <= done - before <= TOGETHER
    assert done == len(asked)


def test_what_is_asked_about_again_while_it_waits_is_pooled_once(many):
    many.now += 10.0
    many.report(np.inf, np.inf, np.inf)
    asked = many.names[1 : 1 + 5 * TOGETHER]
    many.ask(asked)
    many.ask(asked)
    assert len(many.table._behind) == len(asked)
    many.ask(asked[:3])
    assert many.lossy(asked) == asked[:3]
    assert len(many.table._behind) == len(asked) - 3


def test_a_node_that_is_forgotten_while_it_is_behind_stays_unknown(many):
    many.now += 10.0
    many.report(np.inf, np.inf, np.inf)
    asked = many.names[1 : 1 + 5 * TOGETHER]
    many.ask(asked)
    many.table.forget(asked[0])
    for _ in range(10):
        many.report(1.0, names=["n0"])
    assert many.ask(asked[:1]).tolist() == [UNKNOWN]
    assert many.lossy(asked[1:]) == asked[1:]
