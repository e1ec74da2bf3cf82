"""Windows written in batches and kept in narrow columns, against the slow reference that takes one sample at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extender.arrays import STEP_ROWS
from extender.pending import MOST_WAITING
from extender.windows import ABSENT, WindowStore
from tests.extender.slow_windows import SlowStore

SLOTS, INTERVAL_S = 8, 10.0
NAMES = ("a", "b", "c")

steps_s = st.sampled_from([0.0, 1.0, 3.0, 7.5, 9.0, 10.0, 10.0, 10.0, 10.0, 12.0, 25.0, 300.0, 9000.0, -4.0])
samples = st.lists(
    st.tuples(steps_s, st.one_of(st.floats(0.125, 900, width=32), st.just(np.inf), st.just(np.nan))), max_size=30
)
reports = st.lists(
    st.tuples(st.sampled_from(NAMES), st.dictionaries(st.sampled_from("xyz"), samples, max_size=3), st.booleans()),
    max_size=12,
)


def written(stores, source, series, began, full):
    """Write a report into the stores, as ingest does; its samples begin after a time."""
    flat = [(i, began + float(np.cumsum([s for s, _ in v])[k]), v[k][1]) for i, v in enumerate(series.values())
            for k in range(len(v))]  # fmt: skip
    place, at, rtt_ms = (np.array(c) for c in zip(*flat, strict=True)) if flat else (np.zeros(0),) * 3
    for store in stores:
        if full:
            store.restart(source)
        rows = store.ensure(source, list(series))
        store.write(rows[place.astype(int)], at.astype(float), rtt_ms.astype(float))


def assert_same(store, slow, now):
    """Every path reads the same in both, the long memory as exactly as single precision adds."""
    paths = [(s, t) for s, t, _ in store.paths()]
    assert paths == [(s, t) for s, t, _ in slow._table.items()]
    fast_rows, slow_rows = (np.array([r for _, _, r in p], int) for p in (store.paths(), slow._table.items()))
    for later in (0.0, 4.0, 33.0, 1000.0):
        np.testing.assert_array_equal(store.windows(fast_rows, now + later), slow.windows(slow_rows, now + later))
        np.testing.assert_array_equal(store.age_s(fast_rows, now), slow.age_s(slow_rows, now))
    for within_s, count in ((1e9, 16), (40.0, 10)):
        given_rows = (now, within_s, count)
        np.testing.assert_array_equal(store.recent(fast_rows, *given_rows), slow.recent(slow_rows, *given_rows))
    np.testing.assert_allclose(
        store.long_memory(fast_rows, now), slow.long_memory(slow_rows, now), rtol=1e-4, atol=1e-30
    )


@settings(max_examples=120, deadline=None)
@given(reports, st.lists(st.sampled_from(NAMES), max_size=2))
def test_batches_equal_one_sample_at_a_time(given_reports, gone):
    stores = WindowStore(SLOTS, INTERVAL_S, capacity=2), SlowStore(SLOTS, INTERVAL_S, capacity=2)
    now = 1000.0
    for source, series, full in given_reports:
        written(stores, source, series, now, full)
        now += 13.0
    for name in gone:
        assert stores[0].forget(name) == stores[1].forget(name)
    assert_same(*stores, now)


@settings(max_examples=50, deadline=None)
@given(reports, st.integers(0, 8))
def test_reading_between_the_reports_changes_nothing(given_reports, every):
    stores = WindowStore(SLOTS, INTERVAL_S), SlowStore(SLOTS, INTERVAL_S)
    for i, (source, series, full) in enumerate(given_reports):
        written(stores, source, series, 1000.0 + 13 * i, full)
        if every and i % every == 0:
            assert_same(*stores, 1000.0 + 13 * i)
    assert_same(*stores, 2000.0)


@settings(max_examples=50, deadline=None)
@given(reports, st.lists(st.sampled_from([*NAMES, "x", "y"]), max_size=3), reports)
def test_compact_rows_hold_the_same_paths_and_take_new_samples(before, gone, after):
    stores = store, slow = WindowStore(SLOTS, INTERVAL_S, capacity=2), SlowStore(SLOTS, INTERVAL_S)
    for i, (source, series, full) in enumerate(before):
        written(stores, source, series, 1000.0 + 13 * i, full)
    for name in gone:
        store.forget(name)
        slow.forget(name)
    for _ in store.compact():
        pass
    assert store.capacity == len(store) + 1
    assert_same(store, slow, 2000.0)
    for i, (source, series, full) in enumerate(after):
        written(stores, source, series, 3000.0 + 13 * i, full)
    assert_same(store, slow, 4000.0)


def regular(source, targets, count, began=1000.0):
    """A store that got many samples of many paths one interval apart."""
    store = WindowStore(SLOTS, INTERVAL_S)
    rows = store.ensure(source, [f"t{i}" for i in range(targets)])
    at = began + INTERVAL_S * np.tile(np.arange(count), targets)
    store.write(np.repeat(rows, count), at, np.arange(1.0, count * targets + 1))
    return store, rows


def test_what_waits_is_seen_by_every_reader():
    for read in (
        lambda store, rows: np.isfinite(store.windows(rows, 1000.0)[0, -1]),
        lambda store, rows: store.age_s(rows, 1000.0)[0] == 0,
        lambda store, rows: store.recent(rows, 1000.0, 9.0)[0, -1] == 1.0,
        lambda store, rows: store.version(rows)[0] > 0,
        lambda store, rows: store.freshness(1000.0, 40.0) == (1, 0, 0),
    ):
        assert read(*regular("a", 1, 1))
    store, rows = regular("a", 1, 2)
    assert store.long_memory(rows, 1010.0).sum() > 0


def test_a_whole_ring_is_written_at_once_like_slot_by_slot():
    store, rows = regular("a", 100, SLOTS)
    assert store.windows(rows, 1000.0 + INTERVAL_S * (SLOTS - 1)).tolist() == (
        np.arange(1.0, 100 * SLOTS + 1).reshape(100, SLOTS).tolist()
    )


def test_many_samples_do_not_wait_for_a_reader():
    store, _ = regular("a", MOST_WAITING - 1, 1)
    assert store._pending.samples == MOST_WAITING - 1
    store.write(store.ensure("b", ["c"]), np.array([1.0]), np.array([2.0]))
    assert store._pending.samples == 0


def test_times_of_raw_samples_stay_exact_to_a_millisecond_over_months():
    store = WindowStore(SLOTS, INTERVAL_S)
    rows = store.ensure("a", ["b"])
    for day in range(100):
        at = 86_400.0 * day + 0.123
        store.append(rows, np.array([at]), np.array([float(day)]))
        store.append(rows, np.array([at + 4000.456]), np.array([0.5]))
        assert store.recent(rows, at + 4010.456, within_s=10.001)[0, -1] == 0.5
        assert np.isnan(store.recent(rows, at + 4010.456, within_s=9.999)).all()


def test_freshness_counts_paths_and_not_the_rows_that_are_not_in_use():
    store = WindowStore(SLOTS, INTERVAL_S, capacity=64)
    rows = store.ensure("a", ["b", "c", "d", "e"])
    store.append(rows[:2], np.array([1000.0, 900.0]), np.array([1.0, np.inf]))
    store.append(rows[2:3], np.array([1000.0]), np.array([np.nan]))
    assert store.freshness(1010.0, 40.0) == (1, 1, 2)
    store.forget("b")
    assert store.freshness(1010.0, 40.0) == (0, 1, 2)


def test_paths_are_found_by_either_end():
    store = WindowStore(SLOTS, INTERVAL_S)
    store.ensure("a", ["b", "c"])
    store.ensure("c", ["b"])
    every = set(store.paths())
    assert {(s, t) for s, t, _ in every} == {("a", "b"), ("a", "c"), ("c", "b")}
    assert set(store.paths(source="a")) == {p for p in every if p[0] == "a"}
    assert set(store.paths(target="b")) == {p for p in every if p[1] == "b"}
    assert [p[:2] for p in store.paths("a", "b")] == [("a", "b")]
    assert list(store.paths("nobody")) == list(store.paths(target="nobody")) == []


def test_a_path_whose_row_moved_has_another_version_and_both_its_ends_say_so():
    store = WindowStore(SLOTS, INTERVAL_S, capacity=2)
    store.ensure("a", ["b", "c"])
    rows = store.ensure("d", ["e", "f"])
    store.write(rows, np.array([1000.0, 1000.0]), np.array([1.0, 2.0]))
    before = {n: store.paths_version(n) for n in "def"}, store.version(rows).tolist()
    store.forget("a")
    for _ in store.compact():
        pass
    moved = store.rows_from("d", ["e", "f"])
    assert sorted(moved.tolist()) == [1, 2]
    assert not set(store.version(moved).tolist()) & set(before[1])
    assert all(store.paths_version(n) != before[0][n] for n in "def")
    assert store.windows(moved, 1000.0)[:, -1].tolist() == [1.0, 2.0]


def test_rows_asked_for_before_the_arrays_shrank_read_as_absent():
    store = WindowStore(SLOTS, INTERVAL_S, capacity=2)
    rows = store.ensure("a", [f"t{i}" for i in range(100)])
    store.write(rows, np.full(100, 1000.0), np.ones(100))
    version = store.version(rows)
    store.forget("a")
    for _ in store.compact():
        pass
    assert store.capacity == 1
    assert np.isnan(store.windows(rows, 1000.0)).all()
    assert np.isnan(store.recent(rows, 1000.0, 9.0)).all()
    assert np.isinf(store.age_s(rows, 1000.0)).all()
    assert not (store.version(rows) == version).any()
    assert store.long_memory(rows, 1000.0).sum() == 0


def test_large_arrays_grow_by_little_and_a_store_is_roomy_once_most_of_its_nodes_went():
    store = WindowStore(SLOTS, INTERVAL_S)
    targets = [f"t{i}" for i in range(300)]
    for i in range(200):
        store.ensure(f"s{i}", targets)
    assert len(store) + 1 <= store.capacity <= len(store) + 1 + STEP_ROWS
    assert not store.roomy
    for i in range(150):
        store.forget(f"s{i}")
    assert store.roomy
    for _ in store.compact():
        pass
    assert not store.roomy
    assert len(store) == 50 * 300


@pytest.mark.parametrize("rows", [[], [ABSENT]])
def test_reading_nothing_is_possible(rows):
    store = WindowStore(SLOTS, INTERVAL_S)
    rows = np.array(rows, int)
    assert store.windows(rows, 1.0).shape == (len(rows), SLOTS)
    assert store.recent(rows, 1.0, 9.0, 10).shape == (len(rows), 10)
    assert store.version(rows).shape == store.age_s(rows, 1.0).shape == (len(rows),)


@pytest.mark.parametrize("burst", range(1, 12))
@pytest.mark.parametrize("step_s", [7.5, 9.0, 10.0])
def test_regular_samples_after_a_burst_equal_one_at_a_time_wherever_its_grid_stands(burst, step_s):
    stores = WindowStore(SLOTS, INTERVAL_S), SlowStore(SLOTS, INTERVAL_S)
    steps = [0.0] + [1.0] * burst + [step_s] * 5
    for source, first in (("a", 0), ("b", burst // 2)):
        written(stores, source, {"x": [(s, float(i)) for i, s in enumerate(steps[first:])]}, 1000.0, False)
    assert_same(*stores, 1000.0 + sum(steps))
