"""The noise curves that decisions look up."""

import numpy as np
import pytest

from extender.gather import gather
from extender.noise import UNKNOWN, NoiseTable
from extender.windows import ABSENT, WindowStore
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
