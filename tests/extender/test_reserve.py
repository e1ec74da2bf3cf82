"""Arrays that grow and shrink in place."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from extender.arrays import RowArrays
from extender.reserve import Reserve


def resident_bytes():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096


@given(st.lists(st.integers(0, 5000), max_size=12))
def test_rows_that_stay_keep_their_values_through_growing_and_shrinking(sizes):
    column, expected = Reserve(np.dtype(np.float64), (3,), 5000), np.zeros((0, 3))
    for k, rows in enumerate(sizes):
        column.resize(rows)
        kept = min(rows, len(expected))
        expected = np.concatenate([expected[:kept], np.full((rows - kept, 3), float(k))])
        column.array[kept:] = k
        np.testing.assert_array_equal(column.array, expected)


def test_reserved_room_takes_no_memory_before_it_is_used_and_gives_it_back():
    before = resident_bytes()
    column = Reserve(np.dtype(np.float64), (128,), 100_000)
    column.resize(50_000)
    assert resident_bytes() - before < 5_000_000
    column.array[:] = 1.0
    assert resident_bytes() - before > 50_000_000
    column.resize(10)
    assert resident_bytes() - before < 5_000_000


def test_columns_beyond_their_room_move_to_more_of_it_and_keep_what_they_hold():
    columns = RowArrays(2, slots=4, most=4)
    columns.ring[:] = [[1, 2, 3, 4], [5, 6, 7, 8]]
    columns.seen[:] = [1.5, 2.5]
    columns.fit(9)
    assert len(columns) == 9
    assert columns.ring[:2].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert columns.seen[:2].tolist() == [1.5, 2.5]
    assert np.isnan(columns.ring[2:]).all()
    assert np.isneginf(columns.seen[2:]).all()
