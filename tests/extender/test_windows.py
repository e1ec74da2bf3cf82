"""The windows' slots, checked against a slow list-based model and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.windows import ABSENT, RECENT, WindowStore, as_stored

INTERVAL_S = 10.0
SLOTS = 8
LOST, GAP = np.inf, np.nan


def store_with(samples, slots=SLOTS):
    """A store in which one path got these (time, rtt) samples; returns it with the path's row."""
    store = WindowStore(slots, INTERVAL_S, capacity=2)
    rows = store.ensure("a", ["b"])
    for at, rtt in samples:
        store.append(rows, np.array([at]), np.array([rtt]))
    return store, rows


def window(samples, now, slots=SLOTS):
    store, rows = store_with(samples, slots)
    return store.windows(rows, now)[0].tolist()


def same(left, right):
    np.testing.assert_array_equal(np.array(left), np.array(right))


def test_regular_samples_fill_slots_oldest_first():
    same(window([(100, 1), (110, 2), (120, 3)], 121), [GAP] * 5 + [1, 2, 3])


def test_the_oldest_samples_leave_a_full_ring():
    same(window([(100 + 10 * i, i) for i in range(20)], 291), range(12, 20))


def test_a_missing_sample_leaves_a_gap():
    same(window([(100, 1), (110, 2), (130, 4)], 131), [GAP] * 4 + [1, 2, GAP, 4])


def test_a_lost_ping_is_infinite_and_not_a_gap():
    same(window([(100, 1), (110, LOST)], 111), [GAP] * 6 + [1, LOST])


def test_samples_that_were_not_measured_stay_gaps_but_keep_the_grid():
    same(window([(100, 1), (110, GAP), (120, 3)], 121), [GAP] * 5 + [1, GAP, 3])


def test_jitter_of_a_fifth_of_an_interval_does_not_move_samples_to_other_slots():
    jitter = [0, 2, -2, 1.5, -1, 2, 0, -2]
    samples = [(100 + 10 * i + j / 2, i) for i, j in enumerate(jitter)]
    same(window(samples, 171), range(8))


def test_a_burst_folds_into_its_slot_by_median():
    burst = [(100 + i, rtt) for i, rtt in enumerate([5, 1, 9, LOST, 2])]
    same(window([*burst, (110, 7)], 111), [GAP] * 6 + [5, 7])


def test_a_burst_with_most_pings_lost_is_a_loss():
    burst = [(100 + i, rtt) for i, rtt in enumerate([1, LOST, LOST])]
    same(window(burst, 103), [GAP] * 7 + [LOST])


def test_what_did_not_come_lately_is_missing_at_the_end():
    samples = [(100 + 10 * i, i) for i in range(8)]
    same(window(samples, 184), range(8))  # half an interval late is not yet missing
    same(window(samples, 196), [*range(2, 8), GAP, GAP])
    same(window(samples, 1000), [GAP] * 8)


def test_a_long_silence_clears_the_ring():
    same(window([(100 + 10 * i, i) for i in range(8)] + [(1000, 99)], 1001), [GAP] * 7 + [99])


def test_a_sample_dated_before_its_predecessor_is_taken_as_just_after_it():
    same(window([(100, 1), (112, 2), (111, 3)], 113), [GAP] * 6 + [1, 2.5])


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1.0, 3.0, 10.0, 10.5, 20.0, 45.0, 300.0]),
            st.one_of(st.floats(0.125, 900, width=32), st.just(LOST), st.just(GAP)),
        ),
        max_size=60,
    ),
    st.floats(0, 200),
)
def test_windows_equal_a_slow_model(steps, later):
    samples, at = [], 1000.0
    for step, rtt in steps:
        at += step
        samples.append((at, rtt))
    same(window(samples, at + later), model(samples, at + later))


def model(samples, now):
    """Slots as a dictionary: a sample opens the next slot once three quarters of an interval have passed."""
    slots, slot, anchor, seen = {}, 0, None, None
    for at, rtt in samples:
        moved = 0 if anchor is None else int((at - anchor) // INTERVAL_S + ((at - anchor) % INTERVAL_S >= 7.5))
        if anchor is None:
            anchor = at
        elif moved:
            slot += moved
            anchor = at if at - seen >= INTERVAL_S / 2 else anchor + moved * INTERVAL_S
        seen = at
        slots.setdefault(slot, []).extend([] if np.isnan(rtt) else [np.float32(rtt)])
    if anchor is None:
        return [GAP] * SLOTS
    overdue = max(0, int((now - anchor) / INTERVAL_S - 0.5))
    last = slot + overdue
    values = [sorted(slots.get(s, [])[-RECENT:]) for s in range(last - SLOTS + 1, last + 1)]
    return [GAP if not v else (v[(len(v) - 1) // 2] + v[len(v) // 2]) / np.float32(2) for v in values]


def test_the_slots_of_a_long_burst_are_one_interval_long():
    store, rows = store_with([(100 + i, 1.0) for i in range(600)], slots=64)
    assert np.isfinite(store.windows(rows, 699)).sum() == 61  # the first slot is a quarter shorter


def test_every_write_gives_a_row_another_version_also_when_the_row_is_used_again():
    store, rows = store_with([(100, 1.0)])
    versions = [int(store.version(rows)[0])]
    store.append(rows, np.array([100.0]), np.array([2.0]))
    versions.append(int(store.version(rows)[0]))
    store.forget("a")
    again = store.ensure("x", ["y"])
    assert again.tolist() == rows.tolist()
    versions.append(int(store.version(again)[0]))
    assert len(set(versions)) == 3


def test_a_limit_is_kept_by_a_sample_of_the_same_value():
    store, rows = store_with([(100, 0.3)])
    value = store.recent(rows, 101, within_s=9)[0, -1]
    assert value > 0.3 >= value - 1e-7
    assert value <= as_stored(0.3)


def test_many_paths_are_written_and_read_at_once_without_touching_each_other():
    store = WindowStore(SLOTS, INTERVAL_S, capacity=2)
    targets = [f"t{i}" for i in range(100)]
    rows = store.ensure("a", targets)
    for step in range(3):
        store.append(rows, np.full(100, 100.0 + 10 * step), np.arange(100.0) + step)
    same(store.windows(rows, 121)[:, -3:], np.arange(100.0)[:, None] + np.arange(3.0))
    same(store.windows(np.array([ABSENT]), 121), [[GAP] * SLOTS])


def test_ages_count_losses_as_samples_and_gaps_not():
    store, rows = store_with([(100, 1), (110, LOST), (120, GAP)])
    assert store.age_s(rows, 125).tolist() == [15]
    assert np.isinf(store.age_s(np.array([ABSENT]), 125))


def test_recent_samples_are_raw_and_bounded_in_time():
    store, rows = store_with([(100 + i, i) for i in range(12)])
    same(store.recent(rows, 112, within_s=100, count=10), [range(2, 12)])
    same(store.recent(rows, 112, within_s=4.5, count=5), [[GAP, 8, 9, 10, 11]])


def test_closed_slots_enter_the_long_memory_once_each():
    store, rows = store_with([(100 + 10 * i, 5.0) for i in range(30)])
    weight = store.long_memory(rows, 391).sum(axis=-1)[0]
    expected = [sum(0.5 ** ((391 - (100 + 10 * i)) / h) for i in range(29)) for h in (300, 3600, 86400)]
    np.testing.assert_allclose(weight, expected, rtol=1e-4)


def test_a_whole_ring_sent_again_restarts_the_window_and_counts_nothing_twice():
    samples = [(100 + 10 * i, float(i)) for i in range(8)]
    store, rows = store_with(samples)
    before, memory = store.windows(rows, 171), store.long_memory(rows, 171)
    store.restart("a")
    for at, rtt in samples:
        store.append(rows, np.array([at + 0.01]), np.array([rtt]))
    same(store.windows(rows, 171), before)
    np.testing.assert_allclose(store.long_memory(rows, 171), memory, rtol=1e-6)


def test_a_forgotten_node_leaves_empty_rows_that_are_used_again():
    store, _ = store_with([(100, 1.0)])
    store.ensure("c", ["b", "a"])
    assert store.forget("a") == 2
    assert len(store) == 1
    assert store.row("a", "b") == ABSENT
    fresh = store.ensure("d", ["e", "f"])
    same(store.windows(fresh, 101), [[GAP] * SLOTS] * 2)
    assert store.nodes() == {"b", "c", "d", "e", "f"}


@pytest.mark.parametrize("missing", [("a", "z"), ("z", "b"), ("b", "a")])
def test_a_path_never_measured_has_no_row(missing):
    store, _ = store_with([(100, 1.0)])
    assert store.row(*missing) == ABSENT


def test_the_version_of_a_nodes_paths_changes_when_one_comes_or_goes_and_not_with_samples() -> None:
    store = WindowStore(8, 10.0)
    assert store.paths_version("b") == 0
    store.ensure("a", ["b", "c"])
    began = {n: store.paths_version(n) for n in "abc"}
    assert all(began.values())
    store.append(store.ensure("a", ["b"]), np.array([1.0]), np.array([2.0]))
    assert {n: store.paths_version(n) for n in "abc"} == began
    store.ensure("c", ["b"])
    assert store.paths_version("a") == began["a"]
    assert store.paths_version("b") != began["b"]
    before = store.paths_version("b")
    store.forget("c")
    assert store.paths_version("b") not in (before, began["b"])
    assert store.paths_version("c") == 0
