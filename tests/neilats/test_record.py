"""`neilats record` against an extender that really listens."""

import asyncio
import json

from neilats.traces.opening import open_trace
from tests.neilats.conftest import neilats


async def test_what_is_reported_meanwhile_becomes_a_trace(served, tmp_path):
    taking = asyncio.create_task(
        neilats("record", "--url", served.url, "--out", str(tmp_path), "--duration", "3", "--json")
    )
    async with asyncio.timeout(5):
        while not served.extender.recorder.active:
            await asyncio.sleep(0.02)
    await served.measured("node-1", "node-2", [4.0, 5.0])
    await served.extender.recorder.flush()
    result = await taking
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["samples"], told["breaks"]) == (2, 0)
    trace = open_trace(str(tmp_path))
    assert trace.nodes == ("node-1", "node-2")
    assert trace.rtt_ms[:, 0, 1].tolist() == [4.0, 5.0]


async def test_an_extender_that_cannot_be_reached_is_an_error(tmp_path):
    result = await neilats("record", "--url", "http://127.0.0.1:1", "--out", str(tmp_path))
    assert result.exit_code == 1
    assert "cannot reach the extender at http://127.0.0.1:1: Connection refused" in result.output


async def test_something_that_is_no_extender_is_an_error(served, tmp_path):
    result = await neilats("record", "--url", f"{served.url}/v1/matrix?x=", "--out", str(tmp_path))
    assert result.exit_code == 1
    assert "is no extender" in result.output


async def test_a_folder_that_cannot_be_made_is_an_error(served, tmp_path):
    (tmp_path / "file").write_text("")
    result = await neilats("record", "--url", served.url, "--out", str(tmp_path / "file" / "x"), "--duration", "1")
    assert result.exit_code == 1
    assert "cannot write to" in result.output
