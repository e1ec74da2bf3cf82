"""What is known of a path."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.paths import summary

samples = st.one_of(st.floats(0, 1e4), st.just(np.nan), st.just(np.inf))


@given(arrays(np.float64, st.tuples(st.integers(0, 4), st.integers(1, 10)), elements=samples))
def test_summary_equals_a_slow_loop(windows):
    stats = summary(windows)
    for k, row in enumerate(windows):
        finite, measured = row[np.isfinite(row)], row[~np.isnan(row)]
        expected = {
            "mean_ms": finite.mean() if finite.size else np.nan,
            "median_ms": np.median(finite) if finite.size else np.nan,
            "last_ms": measured[-1] if measured.size else np.nan,
            "loss": np.isinf(measured).mean() if measured.size else np.nan,
            "coverage": measured.size / row.size,
            "samples": measured.size,
        }
        for name, value in expected.items():
            assert getattr(stats, name)[k] == pytest.approx(value, nan_ok=True), name


def test_path_without_slots_is_uncovered():
    stats = summary(np.empty((2, 0)))
    assert stats.coverage.tolist() == [0.0, 0.0]
    assert np.isnan(stats.last_ms).all()
