"""Archives: what is read, and what is said about those that cannot be."""

import numpy as np
import pytest

from neilats.traces import TraceError
from neilats.traces.npz import read_npz, write_npz
from neilats.traces.synthetic import synthetic


def saved(tmp_path, **arrays):
    path = tmp_path / "trace.npz"
    np.savez(path, **arrays)
    return path


def ints(slices=5, nodes=3):
    values = np.full((slices, nodes, nodes), 20, np.int32)
    values[:, np.arange(nodes), np.arange(nodes)] = 0
    return values


def test_minus_one_is_not_measured(tmp_path):
    values = ints()
    values[2, 0, 1] = -1
    trace = read_npz(saved(tmp_path, rtt_ms=values, interval_s=15.7))
    assert np.isnan(trace.rtt_ms[2, 0, 1])
    assert trace.rtt_ms[1, 0, 1] == 20
    assert (trace.interval_s, trace.nodes) == (15.7, ("node-0", "node-1", "node-2"))


def test_a_trace_that_is_written_is_the_same_when_read(tmp_path):
    trace = synthetic("synthetic:lan?nodes=4&slices=20&loss=0.2")
    write_npz(trace, tmp_path / "t.npz")
    assert np.isinf(trace.rtt_ms).any()
    assert read_npz(tmp_path / "t.npz").sha256 == trace.sha256


def test_another_interval_can_be_given(tmp_path):
    assert read_npz(saved(tmp_path, rtt_ms=ints()), interval_s=5.0).interval_s == 5.0


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"rtt": ints()}, "no array `rtt_ms`; it holds rtt"),
        ({"rtt_ms": ints()}, "interval_s: missing; say .* --interval"),
        ({"rtt_ms": ints()[0], "interval_s": 1.0}, r"shape \[3, 3\]; expected \[slices, nodes, nodes\]"),
        ({"rtt_ms": ints()[:, :2], "interval_s": 1.0}, "shape"),
        ({"rtt_ms": ints()[:0], "interval_s": 1.0}, "at least one slice"),
        ({"rtt_ms": ints().astype(str), "interval_s": 1.0}, "expected numbers"),
        ({"rtt_ms": ints() - 22, "interval_s": 1.0}, r"negative values, the first at \[0, 0, 1\]: -2; only -1"),
        ({"rtt_ms": ints(), "interval_s": 0.0}, "seconds above 0"),
        ({"rtt_ms": ints(), "interval_s": np.ones(3)}, "expected one number"),
        ({"rtt_ms": ints(), "interval_s": 1.0, "nodes": np.array(["a", "a", "b"])}, "2 different names for 3"),
        ({"rtt_ms": ints() * 1e-5, "interval_s": 1.0}, "look like seconds. Say --unit s"),
        ({"rtt_ms": ints() * 1e4, "interval_s": 1.0}, "look like microseconds"),
        ({"rtt_ms": np.array([None]), "interval_s": 1.0}, "no whole .npz archive of plain arrays"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_array(tmp_path, arrays, says):
    with pytest.raises(TraceError, match=says) as caught:
        read_npz(saved(tmp_path, **arrays))
    assert "trace.npz" in str(caught.value)


def test_units_are_converted_when_they_are_named(tmp_path):
    path = saved(tmp_path, rtt_ms=ints() * 1e-5, interval_s=1.0)
    assert read_npz(path, unit="s").rtt_ms[0, 0, 1] == pytest.approx(0.2)
    assert read_npz(path, unit="ms").rtt_ms[0, 0, 1] == pytest.approx(2e-4)


def test_truncated_missing_and_foreign_files_are_errors(tmp_path):
    path = saved(tmp_path, rtt_ms=ints(), interval_s=1.0)
    whole = path.read_bytes()
    for length in range(0, len(whole), 50):
        path.write_bytes(whole[:length])
        with pytest.raises(TraceError, match=r"trace\.npz"):
            read_npz(path)
    np.save(tmp_path / "one.npy", ints())
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(TraceError, match="single array"):
        read_npz(tmp_path / "one.npz")
    with pytest.raises(TraceError, match="no such file"):
        read_npz(tmp_path / "none.npz")


def test_long_gaps_are_told(tmp_path):
    values = ints(slices=40)
    values[10:30] = -1
    trace = read_npz(saved(tmp_path, rtt_ms=values, interval_s=15.0))
    assert trace.warnings == ("nothing was measured in slices 10 to 29 (5 min)",)
