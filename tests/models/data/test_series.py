"""Series: cut by the slots of their source, taken from matrices, and told apart by their digest."""

import numpy as np
import pytest

from models.data import DataError, Series, Source, digest, of_matrix


def series(values, **changes):
    return Series(**({"name": "x", "rtt_ms": np.array([values], dtype=np.float32), "interval_s": 10.0} | changes))


def test_slots_keep_their_numbers_through_cuts():
    later = series(range(10)).since(4)
    assert (later.origin_slot, later.slots) == (4, 6)
    assert later.before(7).rtt_ms.tolist() == [[4, 5, 6]]
    assert later.since(2).origin_slot == 4


def test_nothing_left_is_an_error_that_names_the_source():
    with pytest.raises(DataError, match=r"x: an array of shape \[1, 0\]"):
        series(range(3)).before(0)
    with pytest.raises(DataError, match="0 s between slots"):
        series([1], interval_s=0)


def test_a_matrix_gives_its_measured_paths():
    matrix = np.full((2, 3, 3), np.nan, np.float32)
    matrix[:, 0, 1], matrix[1, 2, 0], matrix[:, 1, 1] = [1, 2], 5, 9
    np.testing.assert_array_equal(of_matrix("m", matrix, 1.0).rtt_ms, np.array([[1, 2], [np.nan, 5]], np.float32))
    with pytest.raises(DataError, match="nothing is measured"):
        of_matrix("m", matrix * np.nan, 1.0)


def test_the_digest_changes_with_values_and_intervals_only():
    one = series([1, np.nan])
    assert digest([one]) == digest([series([1, -np.float32(np.nan)], name="y")])
    assert len({digest(s) for s in ([one], [one, one], [series([1, 2])], [series([1, np.nan], interval_s=5.0)])}) == 4


def test_a_source_is_cut_with_its_fresh_readings():
    cut = Source(series(range(5)), series(range(5))).before(2)
    assert cut.series.slots == cut.fresh.slots == 2
