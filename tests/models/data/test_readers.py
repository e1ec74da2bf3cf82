"""The old plugin's files as series: their defects are ordinary, and what is wrong is named by file and line."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data import DataError, is_latency_csv, read_path
from models.data.fping import is_fping_log, read_fping_log
from models.data.grid import Samples, on_grid
from models.data.latency_csv import read_latency_csv
from models.data.lines import seconds


@pytest.fixture
def file(tmp_path):
    def write(content, name="a2b.csv"):
        path = tmp_path / name
        path.write_text(content)
        return path

    return write


def row(series):
    return [None if np.isnan(v) else round(float(v), 4) for v in series.rtt_ms[0]]


def test_unsorted_and_repeated_times_are_folded_into_slots(file):
    path = file(
        "time,latency\n2025-01-02 03:04:45,0.5\n2025-01-02 03:04:05,0.1\n2025-01-02 03:04:05,0.3\n"
        "2025-01-02 03:04:07,0.2\n\n2025-01-02 03:04:16,0.4\n"
    )
    series = read_latency_csv(path)
    assert row(series) == [0.2, 0.4, None, None, 0.5]
    assert (series.interval_s, series.name) == (10.0, str(path))
    assert row(read_latency_csv(path, interval_s=40)) == [0.25, 0.5]


def test_a_gap_of_three_days_stays_a_gap(file):
    series = read_latency_csv(file("time,latency\n0,1\n10,1\n259220,2\n"))
    assert series.slots == 25923
    assert np.isfinite(series.rtt_ms).sum() == 3


def test_epoch_and_iso_times_mean_the_same():
    assert seconds("1735787045") == seconds("2025-01-02 03:04:05") == seconds("2025-01-02T05:04:05+02:00")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("zeit,latency\n", "line 1: 'zeit,latency'; expected the header time,latency"),
        ("time,latency\n1,2\nyesterday,2\n", "line 3: time 'yesterday'"),
        ("time,latency\n1,2\n\n2,fast\n", "line 4: latency 'fast' is no number"),
        ("time,latency\n1,2\n2,-3\n", "line 3: latency -3 is negative"),
        ("time,latency\n1,2,3\n", "line 2: 3 fields"),
        ("time,latency\n", "no samples"),
        ("time,latency\n0,1\n1e11,1\n", "look for a wrong time"),
        ("time,latency\n0,0.0004\n10,0.0005\n", "look like seconds; say --unit s"),
        ("time,latency\n0,40000\n10,50000\n", "look like microseconds"),
        ("", "expected the header"),
    ],
)
def test_a_broken_csv_is_told_by_file_and_line(file, content, what):
    path = file(content)
    with pytest.raises(DataError, match=r"a2b\.csv") as error:
        read_latency_csv(path)
    assert what in str(error.value)


def test_seconds_are_converted_where_they_are_declared(file):
    assert row(read_latency_csv(file("time,latency\n0,0.0004\n"), unit="s")) == [0.4]


LOG = """2025-01-02 03:04:05, 10.0.0.2 is alive (0.500 ms)

2025-01-02 03:04:15, 10.0.0.2 is unreachable
2025-01-02 03:04:26, 10.0.0.2 is alive (12.1 ms)
"""


def test_losses_of_a_log_are_infinite(file):
    path = file(LOG, "a2b.txt")
    assert is_fping_log(path)
    assert row(read_fping_log(path)) == [0.5, np.inf, 12.1]


def test_a_log_that_is_still_being_written_is_read_to_its_last_whole_line(file):
    assert read_fping_log(file(LOG + "2025-01-02 03:04:35, 10.0.0.2 is al", "a2b.txt")).slots == 3
    with pytest.raises(DataError, match=r"a2b\.txt, line 1: 'nonsense'"):
        read_fping_log(file("nonsense\n" + LOG, "a2b.txt"))
    with pytest.raises(DataError, match=r"line 1"):
        read_fping_log(file("2025-13-02 03:04:05, x is unreachable\n", "a2b.txt"))


def test_a_folder_is_read_file_by_file_and_nothing_is_written(file, tmp_path):
    file(LOG, "a2b.txt")
    file("time,latency\n0,1\n", "b2a.csv")
    file("unrelated", "README.md")
    assert [s.name.rsplit("/", 1)[1] for s in read_path(tmp_path)] == ["a2b.txt", "b2a.csv"]
    assert len(list(tmp_path.iterdir())) == 3


def test_what_is_no_data_is_told(tmp_path, file):
    with pytest.raises(DataError, match="nothing to learn from in this folder"):
        read_path(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        read_path(tmp_path / "none.csv")
    with pytest.raises(DataError, match="neither a CSV that begins with time,latency"):
        read_path(file("time,source,target,rtt_ms\n", "matrix.csv"))
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"bytes\.txt: cannot be read as text"):
        read_path(tmp_path / "bytes.txt")
    assert not is_latency_csv(file("x\n"))


def test_between_a_number_and_a_loss_a_slot_is_lost():
    samples = Samples(np.array([0.0, 1.0, 11.0]), np.array([1.0, np.inf, 2.0]))
    assert row(on_grid(samples, 10.0, "x")) == [np.inf, 2.0]


@given(st.lists(st.tuples(st.integers(0, 500), st.floats(0.1, 100)), min_size=1, max_size=40), st.randoms())
def test_the_order_of_the_lines_does_not_matter(samples, random):
    start = datetime(2025, 1, 1)
    shuffled = samples.copy()
    random.shuffle(shuffled)
    for each in (samples, shuffled):
        assert all(seconds(str(start + timedelta(seconds=t))) for t, _ in each[:1])
    one, other = (on_grid(Samples(*np.array(each, dtype=float).T), 10.0, "x") for each in (samples, shuffled))
    np.testing.assert_array_equal(one.rtt_ms, other.rtt_ms)
    for slot, value in enumerate(one.rtt_ms[0]):
        first = min(t for t, _ in samples)
        here = [v for t, v in samples if (t - first) // 10 == slot]
        np.testing.assert_allclose(value, np.median(here) if here else np.nan, rtol=1e-6)
