"""The blocks of a recording: what is written is read, and damage costs only what it hit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from extender.recording import MAGIC, Block, BlockReader, encode_block


def a_block(count=5, at=1_790_000_000.0, seed=0):
    rng = np.random.default_rng(seed)
    rtt = rng.exponential(1.0, count).astype(np.float32)
    rtt[rng.random(count) < 0.2] = np.inf
    rtt[rng.random(count) < 0.2] = np.nan
    pair = rng.integers(0, 3, (2, count)).astype(np.uint16)
    return Block(at + np.arange(count) / 8, pair[0], pair[1], rtt, ["a", "b", "ç"], 10.0)


def read(data, piece=7):
    reader, found = BlockReader(), []
    for i in range(0, len(data), piece):
        found += [block for _, block in reader.feed(data[i : i + piece])]
    while reader.pending:
        reader.end()
        found += [block for _, block in reader.feed(b"")]
    return found, reader.skipped


def samples(block):
    """As a sorted list; NaN as text, because it does not equal itself."""
    names = block.nodes
    columns = zip(block.at_s, block.source, block.target, block.rtt_ms, strict=True)
    return sorted((round(float(t), 3), names[a], names[b], str(r)) for t, a, b, r in columns)


@given(st.integers(0, 60), st.integers(1, 200), st.integers(0, 5))
def test_what_is_written_is_read_in_pieces_of_any_size(count, piece, seed):
    blocks = [a_block(count, seed=seed), a_block(3, at=5.25)]
    found, skipped = read(b"".join(map(encode_block, blocks)), piece)
    assert [samples(b) for b in found] == [samples(b) for b in blocks]
    assert (skipped, found[0].interval_s) == (0, 10.0)


@given(st.integers(1, 150))
def test_a_block_that_a_crash_cut_off_is_skipped(cut):
    first, last = encode_block(a_block()), encode_block(a_block(seed=1))
    found, skipped = read(first + last[: min(cut, len(last) - 1)])
    assert [samples(b) for b in found] == [samples(a_block())]
    assert skipped == min(cut, len(last) - 1)


@given(st.data())
def test_a_flipped_byte_costs_only_its_block(data):
    blocks = [bytearray(encode_block(a_block(seed=k))) for k in range(3)]
    hit = data.draw(st.integers(0, len(blocks[1]) - 1))
    blocks[1][hit] ^= data.draw(st.integers(1, 255))
    found, skipped = read(b"".join(blocks), 64)
    assert [samples(b) for b in found] == [samples(a_block(seed=0)), samples(a_block(seed=2))]
    assert skipped == len(blocks[1])


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(noise):
    found, _ = read(noise + MAGIC + noise)
    assert found == []


@given(st.binary(max_size=100))
def test_blocks_between_noise_are_found(noise):
    noise = noise.replace(MAGIC[:1], b"")
    found, skipped = read(noise + encode_block(a_block()) + noise)
    assert [samples(b) for b in found] == [samples(a_block())]
    assert skipped == 2 * len(noise)
