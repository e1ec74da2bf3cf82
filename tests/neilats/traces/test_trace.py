"""What a trace can be asked: its digest, parts of it, its fresh readings, masks."""

import numpy as np
import pytest

from neilats.traces import Trace, TraceError
from neilats.traces.fresh import repetitions
from neilats.traces.synthetic import synthetic
from neilats.traces.trace import as_rtt


def a_trace(values, interval_s=10.0):
    rtt_ms = as_rtt(np.asarray(values, float))
    return Trace(rtt_ms, interval_s, tuple(f"n{i}" for i in range(rtt_ms.shape[1])))


def noise(slices=60, nodes=8, seed=0):
    return np.random.default_rng(seed).uniform(1, 2, (slices, nodes, nodes))


def test_the_diagonal_is_not_measured():
    assert np.isnan(a_trace(noise()).rtt_ms[:, 3, 3]).all()


def test_a_trace_needs_a_name_for_each_node_and_an_interval():
    with pytest.raises(TraceError, match="shape"):
        Trace(as_rtt(noise()), 10.0, ("a", "b"))
    with pytest.raises(TraceError, match="interval_s"):
        a_trace(noise(), 0.0)


def test_the_digest_tells_traces_apart_and_forgets_where_they_came_from():
    one = a_trace(noise())
    assert one.sha256 == a_trace(noise()).sha256
    others = [a_trace(noise(seed=1)), a_trace(noise(), 9.0), one.sliced(1), a_trace(np.flip(noise(), 0))]
    assert len({t.sha256 for t in (one, *others)}) == 5


def test_a_slice_of_time_is_a_trace():
    assert len(a_trace(noise()).sliced(10, 30)) == 20


def test_a_masked_trace_has_so_many_targets_of_each_node_throughout():
    masked = a_trace(noise()).mask(3, np.random.default_rng(1))
    assert (~np.isnan(masked.rtt_ms)).any(axis=0).sum(axis=1).tolist() == [3] * 8
    assert ((~np.isnan(masked.rtt_ms)).sum(axis=(0, 2)) == 3 * 60).all()


def test_a_mask_wider_than_the_cluster_hides_nothing():
    trace = a_trace(noise())
    assert trace.mask(100, np.random.default_rng(1)).sha256 == trace.sha256


def test_readings_that_come_again_are_removed_and_sweeps_are_kept_whole():
    sweeps = np.round(noise(12, 8), 1)  # coarse: some links read the same in two sweeps
    fresh = a_trace(np.repeat(sweeps, 5, axis=0)).fresh_only()
    measured = ~np.isnan(fresh.rtt_ms[:, 0, 1:])
    assert measured[::5].all()
    assert not measured[np.arange(60) % 5 != 0].any()
    assert fresh.step_slices == 5


def test_a_value_that_changes_alone_is_fresh():
    values = np.ones((3, 6, 6))
    values[1:, 0, 1] = 2.0
    repeated = repetitions(as_rtt(values))
    assert not repeated[1, 0, 1]
    assert repeated[2, 0, 1]
    assert repeated[1, 0, 2]


def test_what_is_not_measured_is_no_repetition_and_does_not_make_one_fresh():
    values = np.ones((3, 6, 6))
    values[1] = np.nan
    repeated = repetitions(as_rtt(values))
    assert not repeated[1].any()
    assert repeated[2, 0, 1]


def test_a_trace_without_repetitions_keeps_nearly_everything():
    trace = synthetic("synthetic:lan?nodes=12&slices=200")
    before, after = (~np.isnan(trace.rtt_ms)).sum(), (~np.isnan(trace.fresh_only().rtt_ms)).sum()
    assert after >= 0.999 * before


def test_a_lossy_trace_loses_some_pings_and_changes_no_other_reading():
    trace = a_trace(noise(200, 20))
    lossy = trace.lossy(np.random.default_rng(0))
    lost = np.isposinf(lossy.rtt_ms)
    assert 0 < lost.mean() < 0.3
    np.testing.assert_array_equal(lossy.rtt_ms[~lost], trace.rtt_ms[~lost])
    assert not (lost & np.isnan(trace.rtt_ms)).any()
