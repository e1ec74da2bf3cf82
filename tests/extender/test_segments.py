"""Segments: rotated within their budget, and whole in spite of a full disk."""

import subprocess
import sys

import pytest

from extender.recording import BlockReader, encode_block
from extender.segments import SMALLEST_BYTES, SegmentWriter, segments
from tests.extender.test_recording import a_block


def ticking():
    now = [1_790_000_000.0]

    def tick():
        now[0] += 1
        return now[0]

    return tick


def test_the_oldest_segments_go_and_the_budget_is_kept(tmp_path):
    most = 4 * SMALLEST_BYTES
    writer = SegmentWriter(tmp_path, most, ticking())
    for _ in range(1000):
        writer.write(bytes(1000))
        assert sum(p.stat().st_size for p in segments(tmp_path)) <= most + 1000
    assert len(segments(tmp_path)) > 2
    writer.close()


def test_another_run_begins_a_new_segment(tmp_path):
    tick = ticking()
    for _ in range(2):
        writer = SegmentWriter(tmp_path, 1 << 20, tick)
        writer.write(b"x")
        writer.close()
    assert len(segments(tmp_path)) == 2


def test_blocks_are_readable_before_the_segment_is_closed(tmp_path):
    writer = SegmentWriter(tmp_path, 1 << 20, ticking())
    writer.write(encode_block(a_block()))
    assert len(list(BlockReader().feed(segments(tmp_path)[0].read_bytes()))) == 1
    writer.close()


FULL = """
import resource, sys
from pathlib import Path
from extender.segments import SegmentWriter
writer = SegmentWriter(Path(sys.argv[1]), 1 << 20, lambda: 1.0)
writer.write(b"x" * 40)
resource.setrlimit(resource.RLIMIT_FSIZE, (70, resource.RLIM_INFINITY))
try:
    writer.write(b"y" * 40)
except OSError:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    writer.write(b"z" * 40)
    writer.close()
"""


def test_a_disk_that_fills_up_leaves_no_half_block(tmp_path):
    subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], check=True, timeout=20)
    assert segments(tmp_path)[0].read_bytes() == b"x" * 40 + b"z" * 40


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        SegmentWriter(tmp_path / "file" / "x", 1 << 20, ticking()).write(b"x")
