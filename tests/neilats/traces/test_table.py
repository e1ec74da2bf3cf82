"""CSV traces: folded to slices, in any order, and their mistakes named by line."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neilats.traces import TraceError
from neilats.traces.table import _samples, read_csv


def written(tmp_path, *lines, header="time,source,target,rtt_ms"):
    path = tmp_path / "t.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_losses_gaps_and_comments(tmp_path):
    path = written(tmp_path, "# a comment", "0,a,b,1.5", "10,a,b,-1", "20,a,b,", "30,a,b,lost", "40,a,b,2")
    trace = read_csv(path)
    np.testing.assert_array_equal(trace.rtt_ms[:, 0, 1], np.float32([1.5, np.inf, np.nan, np.inf, 2]))
    assert np.isnan(trace.rtt_ms[:, 1, 0]).all()
    assert (trace.nodes, trace.interval_s) == (("a", "b"), 10.0)


def test_times_may_be_iso_and_the_columns_in_any_order(tmp_path):
    lines = ["b,a,1,2026-11-21T10:00:00Z,x", "b,a,2,2026-11-21T12:00:10+02:00,x", "b,a,3,2026-11-21T10:00:20,x"]
    trace = read_csv(written(tmp_path, *lines, header="target, source,RTT_ms,time,note"))
    assert trace.rtt_ms[:, 0, 1].tolist() == [1, 2, 3]


def test_the_order_of_the_lines_does_not_matter(tmp_path):
    lines = [f"{10 * t + 3 * i},{a},{b},{t + 1}" for t in range(6) for i, (a, b) in enumerate(["ab", "ba", "cb"])]
    one = read_csv(written(tmp_path, *lines)).sha256
    assert read_csv(written(tmp_path, *lines[::-1])).sha256 == one


@given(st.integers(0, 2**32), st.floats(0.0, 10.0), st.floats(0.0, 0.2))
def test_jitter_and_phase_of_a_path_lose_no_slice(seed, phase, jitter):
    rng = np.random.default_rng(seed)
    at = phase + 10 * np.arange(30) + 10 * jitter * rng.uniform(-1, 1, 30)
    lines = ["time,source,target,rtt_ms", *(f"{t},a,b,{k + 1}" for k, t in enumerate(at))]
    from neilats.traces.grid import fold

    folded = fold(_samples(lines, "x"), 10.0, "x")[:, 0, 1]
    assert folded.tolist() == list(range(1, 31))


def test_several_samples_in_a_slice_count_as_their_median_and_a_half_loss_as_a_loss(tmp_path):
    lines = ["0,a,b,1", "10,a,b,5", "10,a,b,1", "10,a,b,2", "20,a,b,1", "20,a,b,-1", "30,a,b,9"]
    trace = read_csv(written(tmp_path, *lines), interval_s=10)
    assert trace.rtt_ms[:, 0, 1].tolist() == [1, 2, np.inf, 9]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["0,a,b,1", "x,a,b,1"], "line 3: time 'x'"),
        (["0,a,b,1", "", "# c", "0,a,b,fast"], "line 5: rtt_ms 'fast'"),
        (["0,a,b"], "line 2: 3 fields"),
        (["0,a,a,1"], "line 2: from 'a' to 'a' is no path"),
        (["0,a,,1"], "no path"),
        (["0,a,b,-3", "1,a,b,1"], "negative"),
        ([], "no samples"),
        (["0,a,b,1"], "no path has two samples.*--interval"),
        (["0,a,b,1e-4", "1,a,b,2e-4"], "look like seconds"),
        (["0,a,b,1", "1,a,b,1", "2,a,b,1", "99999999999,a,b,1"], "do not fit in memory"),
        (["1e300,a,b,1"], "time '1e300'"),
    ],
)
def test_mistakes_are_named_by_file_and_line(tmp_path, lines, says):
    with pytest.raises(TraceError, match=says) as caught:
        read_csv(written(tmp_path, *lines))
    assert "t.csv" in str(caught.value)


def test_missing_columns_and_files_are_errors(tmp_path):
    with pytest.raises(TraceError, match="no column source, target"):
        read_csv(written(tmp_path, header="time,rtt_ms"))
    with pytest.raises(TraceError, match="no such file"):
        read_csv(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TraceError, match="as text"):
        read_csv(tmp_path / "b.csv")


@given(st.lists(st.text(max_size=30), max_size=8))
def test_any_text_is_read_or_refused(lines):
    with np.errstate(all="raise"):
        try:
            found = _samples(["time,source,target,rtt_ms", *lines], "x")
        except TraceError:
            return
    assert len(found.at_s) == len(found.rtt)
