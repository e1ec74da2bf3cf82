"""The recorder behind the real listener: what is reported is recorded, and its troubles stay its own."""

import asyncio

import numpy as np
import pytest

from extender import recorder
from extender.recording import BlockReader
from extender.segments import segments


def run(rtt_ms, age_ms=0, step_ms=10000):
    return {"age_ms": age_ms, "step_ms": step_ms, "rtt_ms": rtt_ms}


def recorded(folder):
    reader = BlockReader()
    found = []
    for file in segments(folder):
        for _, b in reader.feed(file.read_bytes()):
            columns = zip(b.at_s, b.source, b.target, b.rtt_ms, strict=True)
            found += [(round(float(t), 3), b.nodes[s], b.nodes[d], float(r)) for t, s, d, r in columns]
    return sorted(found, key=lambda s: s[:3])


def dropped(bench):
    return bench.metric("neilats_extender_recorder_dropped_samples_total")


async def test_every_sample_is_recorded_with_what_became_of_it(make_bench, tmp_path):
    bench = await make_bench(record_dir=str(tmp_path))
    await bench.report("node-2", {"node-1": run([1.5, -1, None, 2.5]), "node-3": run([7.0])})
    await bench.extender.recorder.flush()
    found = recorded(tmp_path)
    assert [s[1:3] for s in found].count(("node-2", "node-1")) == 4
    path = [s for s in found if s[2] == "node-1"]
    np.testing.assert_array_equal([s[3] for s in path], [1.5, np.inf, np.nan, 2.5])
    np.testing.assert_allclose(np.diff([s[0] for s in path]), 10, atol=0.002)
    assert dropped(bench) == 0


async def test_a_whole_ring_that_comes_again_is_recorded_once(make_bench, clock, tmp_path):
    bench = await make_bench(record_dir=str(tmp_path))
    await bench.report("node-2", {"node-1": run([1.0, 2.0])})
    clock.forward(10.1)
    await bench.report("node-2", {"node-1": run([1.0, 2.0, 3.0])}, full=True)
    await bench.extender.recorder.flush()
    assert [s[3] for s in recorded(tmp_path)] == [1.0, 2.0, 3.0]


async def test_without_a_folder_or_a_listener_nothing_is_kept(bench):
    await bench.report("node-2", {"node-1": run([1.0])})
    assert not bench.extender.recorder.active
    assert bench.extender.recorder._taken == []


async def test_a_folder_that_cannot_be_written_costs_only_the_recording(make_bench, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    bench = await make_bench(record_dir=str(tmp_path / "file" / "below"))
    for _ in range(2):
        response = await bench.report("node-2", {"node-1": run([1.0])})
        assert response.status == 200
        bench.clock.forward(10)
        await bench.extender.recorder.flush()
    assert dropped(bench) == 2
    assert sum("recording fails" in r.message for r in caplog.records) == 1


async def test_a_flood_is_dropped_and_counted(make_bench, tmp_path):
    bench = await make_bench(record_dir=str(tmp_path))
    bench.extender.recorder._pending = recorder.MOST_PENDING
    await bench.report("node-2", {"node-1": run([1.0])})
    assert dropped(bench) == 1


async def test_a_listener_hears_what_comes_after_it(bench):
    stream = await bench.api.get("/v1/recording")
    assert (stream.status, stream.content_type) == (200, "application/octet-stream")
    await bench.report("node-2", {"node-1": run([1.0, 2.0])})
    await bench.extender.recorder.flush()
    block = next(BlockReader().feed(await stream.content.readany()))[1]
    assert block.rtt_ms.tolist() == [1.0, 2.0]
    stream.close()


async def test_there_are_only_so_many_listeners(bench):
    streams = [await bench.api.get("/v1/recording") for _ in range(recorder.MOST_LISTENERS)]
    refused = await bench.api.get("/v1/recording")
    assert refused.status == 503
    assert "end one" in (await refused.json())["error"]
    for stream in streams:
        stream.close()


async def test_a_slow_listener_loses_blocks_and_holds_up_nobody(bench):
    part = bench.extender.recorder
    full = asyncio.Queue(1)
    part._listeners.add(full)
    for _ in range(3):
        await bench.report("node-2", {"node-1": run([1.0])})
        bench.clock.forward(10)
        await part.flush()
    assert (full.qsize(), dropped(bench)) == (1, 2)


async def test_listeners_are_let_go_when_the_service_stops(bench):
    stream = await bench.api.get("/v1/recording")
    await bench.extender.recorder.end_streams(bench.extender.apps.api)
    assert await asyncio.wait_for(stream.content.read(), 2) == b""


async def test_what_is_pending_is_written_at_the_end(make_bench, tmp_path):
    bench = await make_bench(record_dir=str(tmp_path))
    job = asyncio.create_task(bench.extender.recorder.run())
    await asyncio.sleep(0)
    await bench.report("node-2", {"node-1": run([1.0])})
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert [s[3] for s in recorded(tmp_path)] == [1.0]
