"""Values beside the store's rows: kept for those that are asked for, and for nobody else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.rowcache import KEPT_S, RowCache
from extender.windows import ABSENT, WindowStore


class Bench:
    """A store of one source's paths, and a cache on a clock that the test moves."""

    def __init__(self, paths=20, width=2):
        self.now = 0.0
        self.store = WindowStore(8, 10.0)
        self.rows = self.store.ensure("a", [f"b{i}" for i in range(paths)])
        self.cache = RowCache(self.store, width, lambda: self.now)

    def put(self, rows, value, generation=1):
        values = np.full((len(rows), 2), value, float)
        self.cache.put(rows, self.store.version(rows), generation, values)


@pytest.fixture
def bench():
    return Bench()


def test_what_was_never_put_is_stale_and_unknown(bench):
    assert bench.cache.stale(bench.rows, 1).all()
    assert np.isnan(bench.cache.get(bench.rows)).all()
    assert len(bench.cache) == 0


def test_what_was_put_is_there_until_its_window_moves_on_or_other_models_serve(bench):
    bench.put(bench.rows[:3], 5.0)
    assert bench.cache.get(bench.rows[:4])[:, 0].tolist() == pytest.approx([5.0, 5.0, 5.0, np.nan], nan_ok=True)
    assert bench.cache.stale(bench.rows[:4], 1).tolist() == [False, False, False, True]
    bench.store.append(bench.rows[1:2], np.array([10.0]), np.array([1.0]))
    assert bench.cache.stale(bench.rows[:3], 1).tolist() == [False, True, False]
    assert bench.cache.stale(bench.rows[:3], 2).all()


def test_the_absent_row_is_never_stale_and_never_known(bench):
    rows = np.array([ABSENT, bench.rows[0], ABSENT])
    bench.put(bench.rows[:1], 5.0)
    assert not bench.cache.stale(rows, 2)[[0, 2]].any()
    assert np.isnan(bench.cache.get(rows)[[0, 2]]).all()


def test_only_rows_that_were_put_take_memory():
    bench = Bench(paths=5000)
    bench.cache.stale(bench.rows, 1)
    bench.put(bench.rows[:7], 5.0)
    assert len(bench.cache) == 7


def test_a_store_that_grows_keeps_what_is_known(bench):
    bench.put(bench.rows, 5.0)
    more = bench.store.ensure("c", [f"b{i}" for i in range(3000)])
    assert bench.cache.stale(more, 1).all()
    assert (bench.cache.get(bench.rows) == 5.0).all()


def test_what_nobody_asks_for_is_dropped_and_the_rest_stays(bench):
    bench.put(bench.rows, 5.0)
    bench.now = KEPT_S / 2
    assert not bench.cache.stale(bench.rows[5:8], 1).any()
    bench.now = KEPT_S + 1
    assert not bench.cache.stale(bench.rows[5:8], 1).any()
    assert len(bench.cache) == 3
    assert (bench.cache.get(bench.rows[5:8]) == 5.0).all()
    assert np.isnan(bench.cache.get(bench.rows[:5])).all()
    bench.put(bench.rows[:2], 7.0)  # a computation that began before
    assert (bench.cache.get(bench.rows[:2]) == 7.0).all()
    assert (bench.cache.get(bench.rows[5:8]) == 5.0).all()


def test_a_row_that_is_named_twice_has_one_place(bench):
    bench.put(bench.rows[[3, 3, 4]], 5.0)
    assert len(bench.cache) == 2
    assert (bench.cache.get(bench.rows[[3, 4, 3]]) == 5.0).all()


steps = st.lists(st.tuples(st.sampled_from(["put", "ask", "wait"]), st.sets(st.integers(0, 19))), max_size=30)


@given(steps)
def test_it_answers_like_a_dictionary_that_forgets(steps):
    bench, known, asked, tidied = Bench(), {}, {}, 0.0
    for number, (what, chosen) in enumerate(steps):
        rows = bench.rows[sorted(chosen)]
        if what == "wait":
            bench.now += KEPT_S / 2
            continue
        if what == "put":
            bench.put(rows, float(number))
            known |= dict.fromkeys(rows.tolist(), float(number))
            asked |= dict.fromkeys(rows.tolist(), bench.now)
        else:
            if bench.now - tidied >= KEPT_S:
                known = {row: value for row, value in known.items() if asked[row] > bench.now - KEPT_S}
                tidied = bench.now
            asked |= dict.fromkeys(rows.tolist(), bench.now)
            assert bench.cache.stale(rows, 1).tolist() == [row not in known for row in rows.tolist()]
        expected = [known.get(row, np.nan) for row in bench.rows.tolist()]
        np.testing.assert_array_equal(bench.cache.get(bench.rows)[:, 1], expected)
        assert len(bench.cache) == len(known)
