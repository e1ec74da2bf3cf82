"""Log-spaced histograms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.buckets import UNMEASURED, LogGrid

GRID = LogGrid(first_ms=1.0, last_ms=100.0, edge_count=3)  # edges 1, 10, 100


def test_an_edge_belongs_to_the_bucket_below_it():
    rtt = np.array([0.5, 1.0, 1.1, 10.0, 99.0, 100.0, 101.0, np.inf, np.nan])
    assert GRID.bucket_of(rtt).tolist() == [0, 0, 1, 1, 2, 2, 3, 4, UNMEASURED]


def test_weight_inside_the_thresholds_bucket_is_spread_over_log_rtt():
    hist = np.array([0.0, 8.0, 0.0, 0.0, 1.0])
    assert GRID.weight_above(hist, np.sqrt(10.0)) == pytest.approx(1.0 + 4.0)


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(-1.0, 15.0), (0.0, 15.0), (0.05, 15.0), (1.0, 14.0), (10.0, 12.0), (100.0, 8.0), (1e9, 5.0), (np.inf, 5.0)],
)
def test_threshold_at_an_edge_splits_whole_buckets(threshold, expected):
    assert GRID.weight_above(np.array([1.0, 2.0, 4.0, 3.0, 5.0]), threshold) == pytest.approx(expected)


def test_each_histogram_has_a_threshold_of_its_own():
    above = GRID.weight_above(np.ones((2, 3, 5)), np.array([[1.0, 10.0, 100.0], [100.0, 10.0, 1.0]]))
    assert above.tolist() == [[4.0, 3.0, 2.0], [2.0, 3.0, 4.0]]


def test_middles_lie_in_their_buckets():
    assert np.array_equal(GRID.bucket_of(GRID.middles), [0, 1, 2, 3])


@given(st.lists(st.floats(0, 10), min_size=5, max_size=5), st.floats(0, 1e4), st.floats(0, 1e4))
def test_weight_above_falls_with_the_threshold(weights, one, other):
    hist = np.array(weights)
    low, high = GRID.weight_above(hist, min(one, other)), GRID.weight_above(hist, max(one, other))
    assert -1e-9 <= high <= low + 1e-9
    assert low <= hist.sum() + 1e-9
