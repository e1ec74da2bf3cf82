"""Recordings become traces, in spite of crashes, rotation and several names' tables."""

import numpy as np
import pytest

from extender.recording import Block, encode_block
from neilats.traces import TraceError
from neilats.traces.opening import open_trace


def a_block(at, pairs, rtt, nodes, interval_s=10.0):
    source, target = np.array(pairs, np.uint16).T
    return encode_block(Block(np.array(at, float), source, target, np.array(rtt, np.float32), nodes, interval_s))


FIRST = a_block([0, 1, 10, 11], [(0, 1), (1, 0)] * 2, [1, 2, 3, np.inf], ["b", "a"])
SECOND = a_block([20, 21, 30], [(0, 1), (1, 0), (0, 1)], [5, np.nan, 7], ["a", "b"])


def test_blocks_with_different_tables_of_names_make_one_trace(tmp_path):
    (tmp_path / "1.nlrec").write_bytes(FIRST)
    (tmp_path / "2.nlrec").write_bytes(SECOND)
    trace = open_trace(str(tmp_path))
    assert (trace.nodes, trace.interval_s, trace.warnings) == (("a", "b"), 10.0, ())
    np.testing.assert_array_equal(trace.rtt_ms[:, 0, 1], np.float32([2, np.inf, 5, 7]))
    np.testing.assert_array_equal(trace.rtt_ms[:, 1, 0], np.float32([1, 3, np.nan, np.nan]))


def test_an_unfinished_block_is_skipped_with_a_warning(tmp_path):
    (tmp_path / "1.nlrec").write_bytes(FIRST + SECOND[:-3])
    trace = open_trace(str(tmp_path / "1.nlrec"))
    assert len(trace) == 2
    assert f"1.nlrec: {len(SECOND) - 3} damaged or unfinished bytes" in trace.warnings[0]


def test_several_intervals_are_told_and_the_last_one_is_used(tmp_path):
    (tmp_path / "1.nlrec").write_bytes(FIRST + a_block([40, 45], [(0, 1)] * 2, [1, 1], ["a", "b"], 5.0))
    trace = open_trace(str(tmp_path))
    assert trace.interval_s == 5.0
    assert "10" in trace.warnings[0]
    assert open_trace(str(tmp_path), interval_s=10.0).interval_s == 10.0


def test_a_folder_without_a_recording_and_one_without_a_sample_are_errors(tmp_path):
    with pytest.raises(TraceError, match="no recording"):
        open_trace(str(tmp_path))
    (tmp_path / "1.nlrec").write_bytes(b"garbage that is no block")
    with pytest.raises(TraceError, match=r"no sample that can be read; 1\.nlrec: 24 damaged"):
        open_trace(str(tmp_path))


def test_a_name_that_is_nothing_is_an_error_with_a_hint(tmp_path):
    with pytest.raises(TraceError, match="synthetic:lan"):
        open_trace("nowhere.npz")
    (tmp_path / "t.txt").write_text("")
    with pytest.raises(TraceError, match="cannot tell what it is"):
        open_trace(str(tmp_path / "t.txt"))
