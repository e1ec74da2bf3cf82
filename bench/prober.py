"""One prober of 1,000 targets on the loopback: CPU and memory.

It reports to a station that hands out the targets, each an address of 127.0.0.0/8, and checks that all are measured. On
the loopback the kernel answers in the sender's own time, so the prober's CPU includes that of the answers, and so does
that of ping. What it measures is compared with ping in `bench.accuracy`.
"""

import asyncio
import shutil
import sys
import time
from collections.abc import Iterator

from aiohttp import web

from bench.ingest import share
from bench.options import Options
from bench.processes import module, running
from bench.timing import BenchError, Row, Skipped
from prober.wire import Reply, Report, Target, decode_report, encode
from tests.controlplane.plane import free_port

__all__ = ["Station", "rows"]

TARGETS, INTERVAL_S = 1000, 10.0
TARGET_SHARE, TARGET_MB = 0.01, 60.0
BURSTS_S = 25.0
"""The targets' first quick samples take ten seconds; then it settles."""

IMPORTS = """
import time, aiohttp.web, icmplib, msgspec, prometheus_client, yaml
print("here", flush=True)
time.sleep(60)
"""


class Station:
    """Answers reports with fixed targets, and counts the round trips in them."""

    def __init__(self) -> None:
        self._reply = encode(Reply(False, INTERVAL_S * 1000, [Target(*pair) for pair in loopback(TARGETS)]))
        self.measured = 0

    async def report(self, request: web.Request) -> web.Response:
        """Take one."""
        self.take(decode_report(await request.read()))
        return web.Response(body=self._reply, content_type="application/json")

    def take(self, report: Report) -> None:
        """Count what was answered."""
        self.measured += sum(rtt is not None and rtt >= 0 for _, run in report.runs() for rtt in run.rtt_ms)


def loopback(count: int) -> list[tuple[str, str]]:
    """Nodes and addresses."""
    return [(f"node-{i:05d}", f"127.1.{i >> 8}.{i & 255 or 1}") for i in range(1, count + 1)]


def rows(options: Options) -> Iterator[Row]:
    """CPU and memory."""
    if shutil.which("ping") is None:
        raise Skipped("no ping: install iputils-ping")
    yield from asyncio.run(_rows(20.0 if options.quick else 60.0))


async def _rows(seconds: float) -> list[Row]:
    station, port = Station(), free_port()
    app = web.Application(client_max_size=1 << 24)
    app.add_routes([web.post("/v1/report", station.report)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        with running(_command(port), "prober") as child:
            child.wait_for(r"prober started")
            await asyncio.sleep(BURSTS_S)
            before, began = child.cpu_s(), time.monotonic()
            station.measured = 0
            await asyncio.sleep(seconds)
            used, resident_mb, measured = share(child, before, began), child.resident_mb(), station.measured
    finally:
        await runner.cleanup()
    expected = TARGETS * seconds / INTERVAL_S
    if measured < 0.8 * expected:
        raise BenchError(f"the prober reported {measured} of about {expected:.0f} samples")
    return _judged(used, await _ping_share(min(seconds, 20.0)), resident_mb)


def _judged(used: float, ping: float, resident_mb: float) -> list[Row]:
    what = f"prober, {TARGETS:,} targets every {INTERVAL_S:g} s"
    return [
        Row(
            f"{what}: CPU", 100 * used, "ping -i 0.01", 100 * ping, f"<= {TARGET_SHARE:.0%} of a core",
            used <= TARGET_SHARE, "%",
        ),
        Row(
            f"{what}: memory", resident_mb, "its third parties alone", _imports_mb(), f"<= {TARGET_MB:g} MB",
            resident_mb <= TARGET_MB, "MB",
        ),
    ]  # fmt: skip


def _command(port: int) -> list[str]:
    assignments = {
        "node_name": "bench",
        "extender_urls": f"http://127.0.0.1:{port}",
        "metrics_listen": "127.0.0.1:0",
        "interval_s": f"{INTERVAL_S:g}",
    }
    return module("neilats", "prober", *[f"--set={name}={value}" for name, value in assignments.items()])


async def _ping_share(seconds: float) -> float:
    """Of one core, of a ping that sends as many probes a second."""
    with running(["ping", "-n", "-q", "-i", f"{INTERVAL_S / TARGETS:g}", "127.0.0.1"], "ping") as child:
        await asyncio.sleep(1)
        before, began = child.cpu_s(), time.monotonic()
        await asyncio.sleep(seconds)
        return share(child, before, began)


def _imports_mb() -> float:
    """Of an interpreter that has imported what the prober does not bring itself."""
    with running([sys.executable, "-c", IMPORTS], "imports") as child:
        child.wait_for("here")
        return child.resident_mb()
