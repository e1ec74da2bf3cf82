"""The noise curves that decisions look up."""

import numpy as np
import pytest

from extender.gather import gather
from extender.noise import LINKS, MOST_DUE, SLACK_S, TOGETHER, UNKNOWN, NoiseTable
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
