"""What networks see of windows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from models.runtime.filling import enough_samples, filled

NAN, INF = np.nan, np.inf


def test_gaps_and_losses_repeat_what_came_before_them():
    windows = np.array([[NAN, 1.0, INF, 2.0, NAN], [3.0, NAN, NAN, INF, 4.0]])
    np.testing.assert_array_equal(filled(windows, 5), [[1, 1, 1, 2, 2], [3, 3, 3, 3, 4]])


def test_only_the_newest_slots_are_seen_and_narrow_windows_are_widened_to_the_left():
    np.testing.assert_array_equal(filled(np.array([[9.0, 1.0, 2.0]]), 2), [[1, 2]])
    np.testing.assert_array_equal(filled(np.array([[NAN, 2.0, 3.0]]), 5), [[2, 2, 2, 2, 3]])


def test_a_window_needs_five_returned_pings_among_the_slots_that_are_seen():
    windows = np.array([[1.0] * 5 + [NAN] * 5, [1.0] * 5 + [INF] * 5])
    assert enough_samples(windows, 10).tolist() == [True, True]
    assert enough_samples(windows, 9).tolist() == [False, False]


values = st.one_of(st.floats(0.001, 1e6), st.just(np.nan), st.just(np.inf))


@given(arrays(np.float64, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=12), elements=values))
def test_what_a_network_sees_is_always_numbers_of_the_row_itself(windows):
    seen = filled(windows, 6)
    assert seen.shape == (len(windows), 6)
    for row, own in zip(seen, windows, strict=True):
        assert set(row.tolist()) <= {float(np.float32(v)) for v in own if np.isfinite(v)} | {0.0}
